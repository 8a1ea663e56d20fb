package main

import "github.com/sallyport/sallyport/taxon"

// A gap is a part of a category that nothing answers yet.
type gap struct {
	clause   taxon.Clause
	what     string
	closedBy []string // ids of risks; once one of them exists the gap is no more said
}

// gaps lists what is known to be missing of each category of OWASP. The line
// of a gap goes when it is closed; a test holds that every category has one,
// since no category is ever covered whole.
func gaps() []gap {
	return []gap{
		{taxon.API1_2023, "rules that tie an object to its owner, and a probe that swaps objects between two callers", []string{"bola"}},
		{taxon.API1_2023, "objects whose owner only the upstream knows", nil},
		{taxon.API2_2023, "checking tokens of others (JWT, OAuth 2, mutual TLS, DPoP): they must be present and pass unverified; guessing of passwords; second factors", nil},
		{taxon.API3_2023, "rules on which role may read or write which property", nil},
		{taxon.API4_2023, "limits of rate, size, time and concurrency for each caller", []string{"consumption"}},
		{taxon.API4_2023, "quotas, budgets for spending at third parties", nil},
		{taxon.API5_2023, "scopes that the contract asks for against those of the caller", []string{"function", "bfla", "scopes"}},
		{taxon.API5_2023, "roles and conditions of a policy of one's own", nil},
		{taxon.API6_2023, "limits and human checks for single flows such as a purchase or a sign-up", nil},
		{taxon.API7_2023, "addresses in requests, checked against a list, and a proxy for what the API itself calls", []string{"ssrf"}},
		{taxon.API8_2023, "the configuration of what runs behind the gateway: it is seen through its replies alone", nil},
		{taxon.API9_2023, "versions past their date", []string{"retired", "sunset", "versions"}},
		{taxon.API9_2023, "finding hosts and APIs that no traffic of the gateway shows, and their owners", nil},
		{taxon.API10_2023, "a proxy for third parties that checks what they answer", []string{"egress"}},
		{taxon.API1_2019, "as API1:2023", nil},
		{taxon.API2_2019, "as API2:2023", nil},
		{taxon.API3_2019, "rules on which role may read which property; masking by the kind of data", nil},
		{taxon.API4_2019, "limits of rate, size, time and concurrency for each caller", []string{"consumption"}},
		{taxon.API4_2019, "quotas", nil},
		{taxon.API5_2019, "as API5:2023", nil},
		{taxon.API6_2019, "rules on which role may write which property", nil},
		{taxon.API7_2019, "as API8:2023", nil},
		{taxon.API8_2019, "looking for code in the values that a contract lets pass: only its types, formats, patterns and lengths are checked", []string{"injection"}},
		{taxon.API9_2019, "as API9:2023", nil},
		{taxon.API10_2019, "alerts and detection; the audit log itself is part of the gateway and belongs to no risk", nil},
	}
}
