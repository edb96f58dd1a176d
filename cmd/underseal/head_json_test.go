package main

// What doc/cli.md promises of heads and evidence.
type (
	docSighting struct {
		Member  string `json:"member"`
		Device  string `json:"device"`
		Entries int    `json:"entries"`
		Hash    string `json:"hash"`
		Fork    bool   `json:"fork"`
	}
	docOrgHead struct {
		Schema    int           `json:"schema_version"`
		Head      string        `json:"head"`
		Number    string        `json:"number"`
		Entries   int           `json:"entries"`
		Hash      string        `json:"hash"`
		Sightings []docSighting `json:"sightings"`
		Verdict   string        `json:"verdict,omitempty"`
		Theirs    int           `json:"their_entries,omitempty"`
		Error     *docError     `json:"error,omitempty"`
	}
	docEvidence struct {
		Schema int    `json:"schema_version"`
		Out    string `json:"out"`
		Kept   bool   `json:"kept"`
	}
	docEvidenceCheck struct {
		Schema      int    `json:"schema_version"`
		Fingerprint string `json:"fingerprint"`
		Files       []struct {
			File       string `json:"file"`
			Entries    int    `json:"entries"`
			Hash       string `json:"hash"`
			Statements []struct {
				Device  string `json:"device"`
				Member  string `json:"member"`
				Role    string `json:"role"`
				Entries int    `json:"entries"`
				Hash    string `json:"hash"`
				Verdict string `json:"verdict"`
			} `json:"statements"`
		} `json:"files"`
		Verdict string   `json:"verdict"`
		Shared  int      `json:"shared,omitempty"`
		Authors []string `json:"authors,omitempty"`
		Proof   bool     `json:"proof"`
	}
)

var headDocs = []any{docOrgHead{}, docEvidence{}, docEvidenceCheck{}}
