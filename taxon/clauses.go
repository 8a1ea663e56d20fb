package taxon

// The clauses. Titles are ours; the standard's own text is behind the link.
const (
	none Clause = iota
	API1_2023
	API2_2023
	API3_2023
	API4_2023
	API5_2023
	API6_2023
	API7_2023
	API8_2023
	API9_2023
	API10_2023
	API1_2019
	API2_2019
	API3_2019
	API4_2019
	API5_2019
	API6_2019
	API7_2019
	API8_2019
	API9_2019
	API10_2019
	CWE16
	CWE20
	CWE116
	CWE200
	CWE201
	CWE209
	CWE213
	CWE235
	CWE287
	CWE290
	CWE295
	CWE306
	CWE319
	CWE326
	CWE346
	CWE348
	CWE444
	CWE477
	CWE497
	CWE525
	CWE550
	CWE598
	CWE650
	CWE693
	CWE749
	CWE757
	CWE770
	CWE798
	CWE862
	CWE863
	CWE912
	CWE915
	CWE942
	CWE1021
	CWE352
	CWE524
	CWE601
	CWE614
	CWE1004
	CWE1275
	CWE1059
	CWE1173
	CWE1287
	RECAPI1
	RECAPI2
	RECAPI3
	RECAPI4
	RECAPI5
	RECAPI6
	RECAPI7
	RECAPI8
	RECAPI11
	RECAPI12
	RECAPI13
	RECAPI14
	RECAPI15
	RECAPI19
	RECAPI20
	RECAPI23
	RECAPI25
	ASVS2_2_1
	ASVS2_2_2
	ASVS2_4_1
	ASVS3_3_1
	ASVS3_3_2
	ASVS3_3_3
	ASVS3_3_4
	ASVS3_4_1
	ASVS3_4_2
	ASVS3_4_4
	ASVS3_4_6
	ASVS3_5_1
	ASVS3_5_2
	ASVS3_7_2
	ASVS4_1_1
	ASVS4_1_2
	ASVS4_1_3
	ASVS4_1_4
	ASVS6_3_4
	ASVS8_2_1
	ASVS12_1_1
	ASVS12_1_2
	ASVS12_2_1
	ASVS13_4_4
	ASVS13_4_5
	ASVS13_4_6
	ASVS14_2_1
	ASVS14_2_5
	ASVS14_2_6
	ASVS14_3_2
	ASVS15_3_1
	ASVS15_3_3
	ASVS16_5_1
	PCI4_2_1
	PCI6_2_4
	PCI6_3_2
	PCI6_4_2
	PCI8_3_1
	RFC6797
	RFC6750
	RFC6265
	RFC8259
	RFC8446
	RFC9110
	RFC9111
	RFC9112
	RFC9325
	RFC9457
	RFC3986
	RFC6585
	RFC7239
	RFC8594
	RFC9745
	end
)

// table returns the entries at their Clause. It is a function, so that nobody
// can change them.
func table() *[end]Entry { return &entries }

// entries is only read.
var entries = [end]Entry{
	API1_2023:  {OWASP2023, "API1:2023", "An object of somebody else is reached by its id", "https://owasp.org/API-Security/editions/2023/en/0xa1-broken-object-level-authorization/"},
	API2_2023:  {OWASP2023, "API2:2023", "Who calls is not proved, or proved weakly", "https://owasp.org/API-Security/editions/2023/en/0xa2-broken-authentication/"},
	API3_2023:  {OWASP2023, "API3:2023", "Properties of an object are read or written that the caller may not", "https://owasp.org/API-Security/editions/2023/en/0xa3-broken-object-property-level-authorization/"},
	API4_2023:  {OWASP2023, "API4:2023", "One caller can consume without bound", "https://owasp.org/API-Security/editions/2023/en/0xa4-unrestricted-resource-consumption/"},
	API5_2023:  {OWASP2023, "API5:2023", "A function is reached that the caller's role may not use", "https://owasp.org/API-Security/editions/2023/en/0xa5-broken-function-level-authorization/"},
	API6_2023:  {OWASP2023, "API6:2023", "A business flow can be automated to harm", "https://owasp.org/API-Security/editions/2023/en/0xa6-unrestricted-access-to-sensitive-business-flows/"},
	API7_2023:  {OWASP2023, "API7:2023", "The server is made to request an address of the attacker's choice", "https://owasp.org/API-Security/editions/2023/en/0xa7-server-side-request-forgery/"},
	API8_2023:  {OWASP2023, "API8:2023", "The service is configured in an unsafe way", "https://owasp.org/API-Security/editions/2023/en/0xa8-security-misconfiguration/"},
	API9_2023:  {OWASP2023, "API9:2023", "Hosts, versions and operations run that nobody keeps account of", "https://owasp.org/API-Security/editions/2023/en/0xa9-improper-inventory-management/"},
	API10_2023: {OWASP2023, "API10:2023", "Answers of third parties are trusted more than users' input", "https://owasp.org/API-Security/editions/2023/en/0xaa-unsafe-consumption-of-apis/"},
	API1_2019:  {OWASP2019, "API1:2019", "An object of somebody else is reached by its id", "https://owasp.org/API-Security/editions/2019/en/0xa1-broken-object-level-authorization/"},
	API2_2019:  {OWASP2019, "API2:2019", "Authentication is missing or flawed", "https://owasp.org/API-Security/editions/2019/en/0xa2-broken-user-authentication/"},
	API3_2019:  {OWASP2019, "API3:2019", "Replies carry more data than the caller needs", "https://owasp.org/API-Security/editions/2019/en/0xa3-excessive-data-exposure/"},
	API4_2019:  {OWASP2019, "API4:2019", "Resources and rates are not limited", "https://owasp.org/API-Security/editions/2019/en/0xa4-lack-of-resources-and-rate-limiting/"},
	API5_2019:  {OWASP2019, "API5:2019", "A function is reached that the caller's role may not use", "https://owasp.org/API-Security/editions/2019/en/0xa5-broken-function-level-authorization/"},
	API6_2019:  {OWASP2019, "API6:2019", "A client sets properties that only the server may set", "https://owasp.org/API-Security/editions/2019/en/0xa6-mass-assignment/"},
	API7_2019:  {OWASP2019, "API7:2019", "The service is configured in an unsafe way", "https://owasp.org/API-Security/editions/2019/en/0xa7-security-misconfiguration/"},
	API8_2019:  {OWASP2019, "API8:2019", "Input reaches an interpreter as code", "https://owasp.org/API-Security/editions/2019/en/0xa8-injection/"},
	API9_2019:  {OWASP2019, "API9:2019", "Hosts, versions and operations run that nobody keeps account of", "https://owasp.org/API-Security/editions/2019/en/0xa9-improper-assets-management/"},
	API10_2019: {OWASP2019, "API10:2019", "Attacks are neither recorded nor noticed", "https://owasp.org/API-Security/editions/2019/en/0xaa-insufficient-logging-monitoring/"},
	CWE16:      {CWE, "CWE-16", "Configuration weakness", "https://cwe.mitre.org/data/definitions/16.html"},
	CWE20:      {CWE, "CWE-20", "Input is not validated well enough", "https://cwe.mitre.org/data/definitions/20.html"},
	CWE116:     {CWE, "CWE-116", "Output is not encoded for its reader", "https://cwe.mitre.org/data/definitions/116.html"},
	CWE200:     {CWE, "CWE-200", "Information reaches an actor who may not have it", "https://cwe.mitre.org/data/definitions/200.html"},
	CWE201:     {CWE, "CWE-201", "Sensitive information is put into sent data", "https://cwe.mitre.org/data/definitions/201.html"},
	CWE209:     {CWE, "CWE-209", "An error message holds sensitive information", "https://cwe.mitre.org/data/definitions/209.html"},
	CWE213:     {CWE, "CWE-213", "Data is exposed that policy meant to keep", "https://cwe.mitre.org/data/definitions/213.html"},
	CWE235:     {CWE, "CWE-235", "Surplus parameters are handled badly", "https://cwe.mitre.org/data/definitions/235.html"},
	CWE287:     {CWE, "CWE-287", "Identity is not proved well enough", "https://cwe.mitre.org/data/definitions/287.html"},
	CWE290:     {CWE, "CWE-290", "Authentication is passed by spoofing", "https://cwe.mitre.org/data/definitions/290.html"},
	CWE295:     {CWE, "CWE-295", "A certificate is not validated", "https://cwe.mitre.org/data/definitions/295.html"},
	CWE306:     {CWE, "CWE-306", "A critical function needs no authentication", "https://cwe.mitre.org/data/definitions/306.html"},
	CWE319:     {CWE, "CWE-319", "Sensitive information crosses the network in clear text", "https://cwe.mitre.org/data/definitions/319.html"},
	CWE326:     {CWE, "CWE-326", "Encryption is weaker than needed", "https://cwe.mitre.org/data/definitions/326.html"},
	CWE346:     {CWE, "CWE-346", "The origin of a request is not verified", "https://cwe.mitre.org/data/definitions/346.html"},
	CWE348:     {CWE, "CWE-348", "A less trusted source is believed", "https://cwe.mitre.org/data/definitions/348.html"},
	CWE444:     {CWE, "CWE-444", "Two parsers read one HTTP message differently", "https://cwe.mitre.org/data/definitions/444.html"},
	CWE477:     {CWE, "CWE-477", "An obsolete function is used", "https://cwe.mitre.org/data/definitions/477.html"},
	CWE497:     {CWE, "CWE-497", "System information reaches an unauthorised actor", "https://cwe.mitre.org/data/definitions/497.html"},
	CWE525:     {CWE, "CWE-525", "A browser caches sensitive information", "https://cwe.mitre.org/data/definitions/525.html"},
	CWE550:     {CWE, "CWE-550", "The server's error message holds sensitive information", "https://cwe.mitre.org/data/definitions/550.html"},
	CWE598:     {CWE, "CWE-598", "Sensitive information is put into the query of a URL", "https://cwe.mitre.org/data/definitions/598.html"},
	CWE650:     {CWE, "CWE-650", "Trust in methods of HTTP is misplaced", "https://cwe.mitre.org/data/definitions/650.html"},
	CWE693:     {CWE, "CWE-693", "A protection mechanism fails", "https://cwe.mitre.org/data/definitions/693.html"},
	CWE749:     {CWE, "CWE-749", "A dangerous method or function is exposed", "https://cwe.mitre.org/data/definitions/749.html"},
	CWE757:     {CWE, "CWE-757", "A weaker algorithm is chosen during negotiation", "https://cwe.mitre.org/data/definitions/757.html"},
	CWE770:     {CWE, "CWE-770", "Resources are allocated without limits", "https://cwe.mitre.org/data/definitions/770.html"},
	CWE798:     {CWE, "CWE-798", "Credentials are hard coded", "https://cwe.mitre.org/data/definitions/798.html"},
	CWE862:     {CWE, "CWE-862", "Authorization is missing", "https://cwe.mitre.org/data/definitions/862.html"},
	CWE863:     {CWE, "CWE-863", "Authorization is decided wrongly", "https://cwe.mitre.org/data/definitions/863.html"},
	CWE912:     {CWE, "CWE-912", "Functionality is hidden", "https://cwe.mitre.org/data/definitions/912.html"},
	CWE915:     {CWE, "CWE-915", "Object attributes are changed without control", "https://cwe.mitre.org/data/definitions/915.html"},
	CWE942:     {CWE, "CWE-942", "Cross-origin policy trusts unknown domains", "https://cwe.mitre.org/data/definitions/942.html"},
	CWE1021:    {CWE, "CWE-1021", "Frames are not restricted", "https://cwe.mitre.org/data/definitions/1021.html"},
	CWE352:     {CWE, "CWE-352", "A request is made in the name of a person who did not mean it", "https://cwe.mitre.org/data/definitions/352.html"},
	CWE524:     {CWE, "CWE-524", "A cache holds sensitive information", "https://cwe.mitre.org/data/definitions/524.html"},
	CWE601:     {CWE, "CWE-601", "A redirect leads to a site that the attacker chose", "https://cwe.mitre.org/data/definitions/601.html"},
	CWE614:     {CWE, "CWE-614", "A sensitive cookie lacks the attribute Secure", "https://cwe.mitre.org/data/definitions/614.html"},
	CWE1004:    {CWE, "CWE-1004", "A sensitive cookie lacks the attribute HttpOnly", "https://cwe.mitre.org/data/definitions/1004.html"},
	CWE1275:    {CWE, "CWE-1275", "A sensitive cookie goes along with requests of other sites", "https://cwe.mitre.org/data/definitions/1275.html"},
	CWE1059:    {CWE, "CWE-1059", "Documentation is insufficient", "https://cwe.mitre.org/data/definitions/1059.html"},
	CWE1173:    {CWE, "CWE-1173", "A validation framework is used badly", "https://cwe.mitre.org/data/definitions/1173.html"},
	CWE1287:    {CWE, "CWE-1287", "The type of input is not validated", "https://cwe.mitre.org/data/definitions/1287.html"},
	RECAPI1:    {NIST800228, "REC-API-1", "Every API has a specification", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI2:    {NIST800228, "REC-API-2", "The specification is of a well-defined type", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI3:    {NIST800228, "REC-API-3", "Each operation's request and reply is specified", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI4:    {NIST800228, "REC-API-4", "An inventory of APIs is kept", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI5:    {NIST800228, "REC-API-5", "Each field is described with its limits", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI6:    {NIST800228, "REC-API-6", "Fields are labelled by sensitivity", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI7:    {NIST800228, "REC-API-7", "Sensitive data is annotated and tracked", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI8:    {NIST800228, "REC-API-8", "Drift between specification and traffic is found", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI11:   {NIST800228, "REC-API-11", "Every request is authenticated", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI12:   {NIST800228, "REC-API-12", "Every request is authorised", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI13:   {NIST800228, "REC-API-13", "Requests are validated", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI14:   {NIST800228, "REC-API-14", "Inputs are validated against the schema", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI15:   {NIST800228, "REC-API-15", "Rates are limited", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI19:   {NIST800228, "REC-API-19", "Replies are validated", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI20:   {NIST800228, "REC-API-20", "Replies carry only what the schema declares", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI23:   {NIST800228, "REC-API-23", "Errors tell the caller no more than needed", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	RECAPI25:   {NIST800228, "REC-API-25", "Sensitive fields are masked", "https://csrc.nist.gov/pubs/sp/800/228/upd1/final"},
	ASVS2_2_1:  {ASVS5, "2.2.1", "Input is validated against what is expected", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS2_2_2:  {ASVS5, "2.2.2", "Validation happens at a trusted layer", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS2_4_1:  {ASVS5, "2.4.1", "Controls against excessive calls are in place", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS3_3_1:  {ASVS5, "3.3.1", "Cookies are Secure, and named with a prefix that says so", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS3_3_2:  {ASVS5, "3.3.2", "Each cookie has the SameSite that fits its purpose", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS3_3_3:  {ASVS5, "3.3.3", "Cookies belong to one host unless they are made to be shared", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS3_3_4:  {ASVS5, "3.3.4", "Cookies that no script needs are HttpOnly", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS3_4_1:  {ASVS5, "3.4.1", "Strict-Transport-Security is sent", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS3_4_2:  {ASVS5, "3.4.2", "Access-Control-Allow-Origin is fixed or checked against a list", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS3_4_4:  {ASVS5, "3.4.4", "X-Content-Type-Options: nosniff is sent", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS3_4_6:  {ASVS5, "3.4.6", "Framing is restricted by frame-ancestors", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS3_5_1:  {ASVS5, "3.5.1", "Requests to sensitive functions are shown to come from the application itself", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS3_5_2:  {ASVS5, "3.5.2", "Cross-origin calls to sensitive functions need a preflight", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS3_7_2:  {ASVS5, "3.7.2", "Redirects lead only to hosts on a list", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS4_1_1:  {ASVS5, "4.1.1", "Every reply with a body names its content type", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS4_1_2:  {ASVS5, "4.1.2", "Only pages for browsers redirect from HTTP to HTTPS", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS4_1_3:  {ASVS5, "4.1.3", "Header fields of intermediaries cannot be set by clients", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS4_1_4:  {ASVS5, "4.1.4", "Only declared methods are allowed", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS6_3_4:  {ASVS5, "6.3.4", "No way in is undocumented or weaker than the others", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS8_2_1:  {ASVS5, "8.2.1", "Function access is limited to explicit permission", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS12_1_1: {ASVS5, "12.1.1", "Only recommended TLS versions are enabled", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS12_1_2: {ASVS5, "12.1.2", "Only recommended cipher suites are enabled", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS12_2_1: {ASVS5, "12.2.1", "TLS is used for all connectivity with clients", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS13_4_4: {ASVS5, "13.4.4", "TRACE is not enabled", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS13_4_5: {ASVS5, "13.4.5", "Documentation and monitoring endpoints are not exposed", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS13_4_6: {ASVS5, "13.4.6", "Version information is not exposed", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS14_2_1: {ASVS5, "14.2.1", "Sensitive data is never in the URL", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS14_2_5: {ASVS5, "14.2.5", "Caches keep only what is neither private nor made for one caller", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS14_2_6: {ASVS5, "14.2.6", "Only the needed part of sensitive data is returned", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS14_3_2: {ASVS5, "14.3.2", "Caches in browsers are told not to keep sensitive data", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS15_3_1: {ASVS5, "15.3.1", "Only the needed fields of an object are returned", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS15_3_3: {ASVS5, "15.3.3", "Mass assignment is countered by a list of fields", "https://owasp.org/www-project-application-security-verification-standard/"},
	ASVS16_5_1: {ASVS5, "16.5.1", "A generic message is shown on an unexpected error", "https://owasp.org/www-project-application-security-verification-standard/"},
	PCI4_2_1:   {PCIDSS4, "4.2.1", "Strong cryptography guards cardholder data on open networks", "https://www.pcisecuritystandards.org/document_library/"},
	PCI6_2_4:   {PCIDSS4, "6.2.4", "Common software attacks are prevented by engineering", "https://www.pcisecuritystandards.org/document_library/"},
	PCI6_3_2:   {PCIDSS4, "6.3.2", "An inventory of bespoke software is kept", "https://www.pcisecuritystandards.org/document_library/"},
	PCI6_4_2:   {PCIDSS4, "6.4.2", "An automated solution detects and prevents web attacks", "https://www.pcisecuritystandards.org/document_library/"},
	PCI8_3_1:   {PCIDSS4, "8.3.1", "Every access is authenticated", "https://www.pcisecuritystandards.org/document_library/"},
	RFC6797:    {RFC, "RFC 6797", "HTTP Strict Transport Security", "https://www.rfc-editor.org/rfc/rfc6797"},
	RFC6750:    {RFC, "RFC 6750", "Bearer tokens", "https://www.rfc-editor.org/rfc/rfc6750"},
	RFC6265:    {RFC, "RFC 6265", "Cookies", "https://www.rfc-editor.org/rfc/rfc6265"},
	RFC8259:    {RFC, "RFC 8259", "JSON", "https://www.rfc-editor.org/rfc/rfc8259"},
	RFC8446:    {RFC, "RFC 8446", "TLS 1.3", "https://www.rfc-editor.org/rfc/rfc8446"},
	RFC9110:    {RFC, "RFC 9110", "HTTP semantics", "https://www.rfc-editor.org/rfc/rfc9110"},
	RFC9111:    {RFC, "RFC 9111", "HTTP caching", "https://www.rfc-editor.org/rfc/rfc9111"},
	RFC9112:    {RFC, "RFC 9112", "HTTP/1.1", "https://www.rfc-editor.org/rfc/rfc9112"},
	RFC9325:    {RFC, "RFC 9325", "Recommendations for the secure use of TLS", "https://www.rfc-editor.org/rfc/rfc9325"},
	RFC9457:    {RFC, "RFC 9457", "Problem details for HTTP APIs", "https://www.rfc-editor.org/rfc/rfc9457"},
	RFC3986:    {RFC, "RFC 3986", "URI generic syntax", "https://www.rfc-editor.org/rfc/rfc3986"},
	RFC6585:    {RFC, "RFC 6585", "Additional HTTP status codes", "https://www.rfc-editor.org/rfc/rfc6585"},
	RFC7239:    {RFC, "RFC 7239", "The Forwarded field", "https://www.rfc-editor.org/rfc/rfc7239"},
	RFC8594:    {RFC, "RFC 8594", "The Sunset field", "https://www.rfc-editor.org/rfc/rfc8594"},
	RFC9745:    {RFC, "RFC 9745", "The Deprecation field", "https://www.rfc-editor.org/rfc/rfc9745"},
}
