package main

import (
	"reflect"
	"testing"
	"time"
)

// What doc/cli.md promises of members, access and policy.
type (
	docAccess struct {
		Kind     string   `json:"kind"`
		Label    string   `json:"label"`
		Resource string   `json:"resource"`
		Email    string   `json:"email"`
		Member   string   `json:"member"`
		Rights   []string `json:"rights"`
		Through  string   `json:"through,omitempty"`
		Group    string   `json:"group,omitempty"`
		Entry    int      `json:"entry"`
		Since    string   `json:"since"`
		Closed   bool     `json:"closed"`
		Ended    bool     `json:"ended"`
		Expired  bool     `json:"expired"`
	}
	docAccessTop struct {
		Schema  int         `json:"schema_version"`
		Kind    string      `json:"kind"`
		Name    string      `json:"name"`
		ID      string      `json:"id"`
		Removed bool        `json:"removed"`
		Ended   bool        `json:"ended"`
		Closed  bool        `json:"closed"`
		Waits   []string    `json:"waits_for"`
		Members []string    `json:"members"`
		Access  []docAccess `json:"access"`
	}
	docMembership struct {
		Group   string `json:"group"`
		Name    string `json:"name"`
		Manages bool   `json:"manages"`
		Entry   int    `json:"entry"`
	}
	docMemberShown struct {
		Schema int `json:"schema_version"`
		docMember
		Added     string          `json:"added"`
		Entry     int             `json:"entry"`
		AddedBy   string          `json:"added_by"`
		RemovedAt string          `json:"removed_at,omitempty"`
		RemovedBy string          `json:"removed_by,omitempty"`
		List      []docDevice     `json:"device_list"`
		Groups    []docMembership `json:"groups"`
		Access    []docAccess     `json:"access"`
	}
	docWaiting struct {
		What  string   `json:"what"`
		Waits []string `json:"waits_for"`
	}
	docShare struct {
		Email     string `json:"email"`
		Threshold int    `json:"threshold"`
		Left      int    `json:"left"`
	}
	docValuesLeft struct {
		Left      int `json:"values_left"`
		Uncounted int `json:"uncounted_fields"`
	}
	docMemberRemoval struct {
		Schema int `json:"schema_version"`
		docMember
		Rotated   []string     `json:"rotated"`
		Closed    []docWaiting `json:"closed_keys"`
		Ended     []string     `json:"ended"`
		Lost      []string     `json:"lost"`
		Ending    []docDevice  `json:"ending"`
		Shares    []docShare   `json:"shares"`
		Envelopes int          `json:"envelopes"`
		Skipped   int          `json:"skipped"`
		docValuesLeft
		Done bool `json:"done"`
	}
	docSetting struct {
		Name    string `json:"name"`
		Value   string `json:"value"`
		Default string `json:"default"`
		Meaning string `json:"meaning"`
	}
	docPolicy struct {
		Schema int          `json:"schema_version"`
		Policy []docSetting `json:"policy"`
	}
	docChange struct {
		Name    string `json:"name"`
		From    string `json:"from"`
		To      string `json:"to"`
		Meaning string `json:"meaning"`
	}
	docPolicySet struct {
		Schema  int          `json:"schema_version"`
		Policy  []docSetting `json:"policy"`
		Changes []docChange  `json:"changes"`
		Signers int          `json:"signers"`
		Out     string       `json:"out,omitempty"`
		Done    bool         `json:"done"`
	}
	docCosigned struct {
		Schema   int         `json:"schema_version"`
		Changes  []docChange `json:"changes"`
		SignedBy []string    `json:"signed_by"`
		Missing  int         `json:"missing"`
		Out      string      `json:"out"`
	}
)

var memberDocs = []any{docAccessTop{}, docMemberShown{}, docMemberRemoval{}, docPolicy{}, docPolicySet{}, docCosigned{}}

func TestMemberJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.run("eve", "identity", "card", "--out", "@eve.card")
	day := time.Now().AddDate(1, 0, 0).Format(time.DateOnly)
	if m := jsonOf[docMemberTop](w, "alice", "member", "add", "@eve.card", "--role", "guest", "--expires", day, "--safety-number", w.safetyNumber("eve")); m.Role != "guest" || m.Expires == "" || m.Expired {
		t.Errorf("%+v", m)
	}
	w.run("alice", "field", "grant", "phone", "--to", emailOf("eve"), "--rights", "read")

	a := jsonOf[docAccessTop](w, "bob", "access", "show", "phone")
	if a.Kind != "field" || len(a.Access) != 3 || a.Access[1].Email != emailOf("bob") || a.Access[1].Entry == 0 || a.Access[1].Since == "" ||
		!reflect.DeepEqual(a.Access[1].Rights, []string{"read", "write"}) || a.Closed || len(a.Waits) != 0 {
		t.Errorf("%+v", a)
	}
	if a = jsonOf[docAccessTop](w, "alice", "access", "show", emailOf("bob")); a.Kind != "member" || len(a.Access) != 3 || a.Access[0].Kind != "directory" || a.Access[1].Label != "phone" {
		t.Errorf("%+v", a)
	}
	m := jsonOf[docMemberShown](w, "alice", "member", "show", emailOf("bob"))
	if m.Role != "member" || m.AddedBy != emailOf("alice") || m.Entry == 0 || len(m.List) != 1 || len(m.Access) != 3 || len(m.Groups) != 0 {
		t.Errorf("%+v", m)
	}
	if r := jsonOf[docMemberTop](w, "alice", "member", "role", emailOf("bob"), "--role", "officer"); r.Role != "officer" {
		t.Errorf("%+v", r)
	}
	if p := jsonOf[docPolicy](w, "eve", "policy", "show"); len(p.Policy) != 7 || p.Policy[4].Value != "1" || p.Policy[1].Default != "members" {
		t.Errorf("%+v", p)
	}
	set := jsonOf[docPolicySet](w, "alice", "policy", "set", "--officers", "2", "--recovery", "2", "--yes")
	if !set.Done || len(set.Changes) != 2 || set.Changes[1].From != "0" || set.Changes[1].To != "2" || set.Signers != 0 {
		t.Errorf("%+v", set)
	}
	set = jsonOf[docPolicySet](w, "alice", "policy", "set", "--recovery", "0", "--out", "@proposal")
	if set.Done || set.Signers != 1 || set.Out != w.path("proposal") {
		t.Errorf("%+v", set)
	}
	if c := jsonOf[docCosigned](w, "bob", "policy", "cosign", "--from", "@proposal", "--out", "@signed", "--yes"); c.Missing != 0 || !reflect.DeepEqual(c.SignedBy, []string{emailOf("bob")}) || len(c.Changes) != 1 {
		t.Errorf("%+v", c)
	}
	if set = jsonOf[docPolicySet](w, "alice", "policy", "set", "--cosigned", "@signed", "--yes"); !set.Done || len(set.Changes) != 1 {
		t.Errorf("%+v", set)
	}
	if set = jsonOf[docPolicySet](w, "alice", "policy", "set", "--officers", "1", "--yes"); !set.Done {
		t.Errorf("%+v", set)
	}
	r := jsonOf[docMemberRemoval](w, "alice", "member", "remove", emailOf("bob"), "--dry-run")
	if r.Done || r.Removed || len(r.Rotated) != 3 || len(r.Closed) != 0 || len(r.Ending) != 1 || r.Envelopes != 4 {
		t.Errorf("%+v", r)
	}
	if r = jsonOf[docMemberRemoval](w, "alice", "member", "remove", emailOf("bob"), "--yes"); !r.Done || !r.Removed || len(r.Rotated) != 3 {
		t.Errorf("%+v", r)
	}
	if list := jsonOf[docMembers](w, "alice", "member", "list"); len(list.Members) != 2 {
		t.Errorf("%+v", list)
	}
	if list := jsonOf[docMembers](w, "alice", "member", "list", "--all"); len(list.Members) != 3 || !list.Members[1].Removed {
		t.Errorf("%+v", list)
	}
	if m = jsonOf[docMemberShown](w, "alice", "member", "show", emailOf("bob")); !m.Removed || m.RemovedAt == "" || m.RemovedBy != emailOf("alice") || len(m.Access) != 0 {
		t.Errorf("%+v", m)
	}
	if a = jsonOf[docAccessTop](w, "alice", "access", "show", emailOf("bob")); !a.Removed || len(a.Access) != 0 {
		t.Errorf("%+v", a)
	}
}
