package cliosim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/cliosim"
)

const fieldAsked = "?fields=id,etag,name,parent_type,field_type,displayed,required,deleted,display_order,picklist_options{id,option,deleted_at}"

func TestCustomFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.want(201, w.do("POST", "/api/v4/custom_fields.json"+fieldAsked,
		`{"data":{"name":"Minor's name (sealed)","parent_type":"Matter","field_type":"text_area","display_order":7,"displayed":false,"required":true}}`))
	for name, want := range map[string]string{
		"name": "Minor's name (sealed)", "parent_type": "Matter", "field_type": "text_area", "display_order": "7",
		"displayed": "false", "required": "true", "deleted": "false",
	} {
		if got := made.text("data", name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	path := "/api/v4/custom_fields/" + made.text("data", "id")
	changed := w.want(200, w.do("PATCH", path+fieldAsked, `{"data":{"name":"Renamed","required":false,"displayed":true,"display_order":1}}`, "If-Match", made.text("data", "etag")))
	if changed.text("data", "name") != "Renamed" || changed.text("data", "required") != "false" {
		t.Error(changed.body)
	}
	w.want(412, w.do("PATCH", path, `{"data":{"name":"Again"}}`, "If-Match", made.text("data", "etag")))

	w.transport.Lenient(true)
	w.want(422, w.do("PATCH", path, `{"data":{"field_type":"text_line"}}`))
	w.want(422, w.do("PATCH", path, `{"data":{"parent_type":"Contact"}}`))
	w.want(422, w.do("PATCH", path, `{"data":{"name":""}}`))
	for name, status := range map[string]int{strings.Repeat("語", 32): 201, strings.Repeat("a", 33): 422, "": 422} {
		w.want(status, w.do("POST", "/api/v4/custom_fields", fmt.Sprintf(`{"data":{"name":%q,"parent_type":"Contact","field_type":"text_line","display_order":1}}`, name)))
	}
	w.want(422, w.do("POST", "/api/v4/custom_fields", `{"data":{"name":"A","parent_type":"Contact","field_type":"colour","display_order":1}}`))
	w.want(422, w.do("POST", "/api/v4/custom_fields", `{"data":{"name":"A","parent_type":"contact","field_type":"text_line","display_order":1}}`))

	// A deleted field is gone from lists and records, not from its address.
	record := w.fresh("matters")
	id := made.get("data", "id")
	value := fmt.Sprintf(`{"custom_field":{"id":%v},"value":"x"}`, id)
	if got := w.want(200, w.do("PATCH", record+asked, write(value))); !strings.Contains(got.body, `"value":"x"`) {
		t.Error(got.body)
	}
	stored, err := w.sim.Values(t.Context())
	w.noError(err)
	w.want(204, w.do("DELETE", path, ""))
	w.want(404, w.do("DELETE", path, ""))
	w.want(404, w.do("PATCH", path, `{"data":{"name":"Back"}}`))
	if got := w.want(200, w.do("GET", path+fieldAsked, "")); got.text("data", "deleted") != "true" {
		t.Error(got.body)
	}
	if got := w.do("GET", "/api/v4/custom_fields?deleted=true&fields=id", ""); got.text("data", "0", "id") != fmt.Sprint(id) {
		t.Error(got.body)
	}
	if got := w.do("GET", "/api/v4/custom_fields?limit=200&fields=id", ""); strings.Contains(got.body, fmt.Sprint(id)) {
		t.Error(got.body)
	}
	if got := w.do("GET", record+asked, ""); strings.Contains(got.body, `"value":"x"`) {
		t.Error(got.body)
	}
	w.want(422, w.do("PATCH", record, write(value)))
	if after, err := w.sim.Values(t.Context()); err != nil || len(after) != len(stored) {
		t.Errorf("%d values, %d before the field was deleted: %v", len(after), len(stored), err)
	}
}

func TestPicklistOptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.want(201, w.do("POST", "/api/v4/custom_fields"+fieldAsked,
		`{"data":{"name":"Eye","parent_type":"Contact","field_type":"picklist","display_order":1,"picklist_options":[{"option":"brown"},{"option":"blue"}]}}`))
	path := "/api/v4/custom_fields/" + made.text("data", "id")
	brown, blue := made.text("data", "picklist_options", "0", "id"), made.text("data", "picklist_options", "1", "id")
	record := w.fresh("contacts")
	got := w.want(200, w.do("PATCH", record+"?fields=custom_field_values{id,value,custom_field,picklist_option}",
		write(fmt.Sprintf(`{"custom_field":{"id":%s},"value":%q}`, made.text("data", "id"), brown))))
	if !strings.Contains(got.body, `"value":"`+brown+`"`) || !strings.Contains(got.body, `"id":`+brown) {
		t.Error(got.body)
	}
	got = w.want(200, w.do("PATCH", path+fieldAsked, `{"data":{"picklist_options":[{"id":`+brown+`,"_deleted":true},{"id":`+blue+`,"option":"Blue"},{"option":"green"}]}}`))
	if got.get("data", "picklist_options", "0", "deleted_at") == nil || got.text("data", "picklist_options", "1", "option") != "Blue" || got.text("data", "picklist_options", "2", "option") != "green" {
		t.Error(got.body)
	}
	w.want(422, w.do("PATCH", path, `{"data":{"picklist_options":[{"id":1,"option":"x"}]}}`))
	if got := w.do("GET", record+asked, ""); !strings.Contains(got.body, `"value":"`+brown+`"`) {
		t.Errorf("the value of a deleted option: %s", got.body)
	}
	other := w.fresh("contacts")
	w.want(422, w.do("PATCH", other, write(fmt.Sprintf(`{"custom_field":{"id":%s},"value":%q}`, made.text("data", "id"), brown))))
}

func TestCustomFieldSets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.want(201, w.do("POST", "/api/v4/custom_field_sets?fields=id,name,parent_type,displayed,custom_fields{id,name}", `{"data":{"name":"Health","parent_type":"Contact","displayed":true}}`))
	set := made.text("data", "id")
	ssn := w.firm.Fields["SSN"]
	var n int64
	if _, err := fmt.Sscan(set, &n); err != nil {
		t.Fatal(err)
	}
	w.noError(w.sim.SetMembers(t.Context(), n, ssn))
	got := w.want(200, w.do("PATCH", "/api/v4/custom_field_sets/"+set+"?fields=name,custom_fields{id,name}", `{"data":{"name":"Care"}}`))
	if got.text("data", "name") != "Care" || got.text("data", "custom_fields", "0", "name") != "SSN" {
		t.Error(got.body)
	}
	w.want(204, w.do("DELETE", "/api/v4/custom_field_sets/"+set, ""))
	if err := w.sim.SetMembers(t.Context(), n); err == nil {
		t.Error("a set that is gone has members")
	}
}

// TestNotesAndActivities, and what hangs off a contact.
func TestNotesAndActivities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.want(201, w.do("POST", "/api/v4/notes?fields=id,subject,detail,matter{id},author{name}", `{"data":{"type":"Matter","subject":"S","detail":"D","matter":{"id":20000001}}}`))
	if got.text("data", "author", "name") != "Alice Archer" || got.text("data", "matter", "id") != "20000001" {
		t.Error(got.body)
	}
	w.want(200, w.do("PATCH", "/api/v4/notes/"+got.text("data", "id"), `{"data":{"detail":"E"}}`))
	w.want(204, w.do("DELETE", "/api/v4/notes/"+got.text("data", "id"), ""))
	got = w.want(201, w.do("POST", "/api/v4/activities?fields=id,type,quantity,user{email},matter{display_number}", `{"data":{"type":"TimeEntry","date":"2026-11-01","quantity":3600,"matter":{"id":20000001}}}`))
	if got.text("data", "user", "email") != "alice@harbor.example" || got.text("data", "matter", "display_number") != "00001" {
		t.Error(got.body)
	}
	got = w.want(200, w.do("PATCH", contact+"?fields=primary_email_address,email_addresses{id,address,name}", `{"data":{"email_addresses":[{"name":"Work","address":"w@mail.example"}]}}`))
	if got.text("data", "primary_email_address") != "w@mail.example" {
		t.Error(got.body)
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const bob = "bob@harbor.example"
	tokens, err := w.sim.Issue(t.Context(), bob, w.firm.App)
	w.noError(err)
	w.token = tokens.Access
	definition := fmt.Sprintf("/api/v4/custom_fields/%d", w.firm.Fields["SSN"])
	for _, c := range []struct {
		lacks                                           cliosim.Permissions
		definitions, sets, field, admin, read, patching int
	}{
		{cliosim.Permissions{}, 200, 200, 200, 200, 200, 200},
		{cliosim.Permissions{NoDefinitions: true}, 403, 403, 403, 403, 200, 200},
		{cliosim.Permissions{NoFieldAdmin: true}, 200, 200, 200, 403, 200, 200},
		{cliosim.Permissions{ReadOnly: true}, 200, 200, 200, 403, 200, 403},
	} {
		w.noError(w.sim.Permit(t.Context(), bob, c.lacks))
		for i, status := range []int{c.definitions, c.sets, c.field, c.read} {
			path := []string{"/api/v4/custom_fields", "/api/v4/custom_field_sets", definition, matter}[i]
			got := w.want(status, w.do("GET", path, ""))
			if status == http.StatusForbidden && got.body != `{"error":{"message":"User is forbidden from taking that action","type":"ForbiddenError"}}` {
				t.Error(got.body)
			}
		}
		w.want(c.admin, w.do("PATCH", definition, `{"data":{"display_order":3}}`))
		w.want(c.patching, w.do("PATCH", matter, `{"data":{"location":"A"}}`))
	}
	if err := w.sim.Permit(t.Context(), "nobody@harbor.example", cliosim.Permissions{}); err == nil {
		t.Error("a permission of nobody")
	}

	// Stripped values keep their ids and nothing else, whatever was asked.
	w.noError(w.sim.Permit(t.Context(), bob, cliosim.Permissions{}))
	path := w.fresh("contacts")
	got := w.want(200, w.do("PATCH", path+asked, write(fmt.Sprintf(`{"custom_field":{"id":%d},"value":"1"}`, w.firm.Fields["SSN"]))))
	id := element(got, w.firm.Fields["SSN"])["id"]
	w.noError(w.sim.Permit(t.Context(), bob, cliosim.Permissions{StripValues: true}))
	got = w.want(200, w.do("GET", path+asked, ""))
	list, _ := got.get("data", "custom_field_values").([]any)
	if len(list) < 2 || !strings.Contains(got.body, fmt.Sprintf(`{"id":%q}`, id)) || strings.Contains(got.body, "value\"") {
		t.Error(got.body)
	}
	// The same of an application.
	app := cliosim.DefaultApp()
	app.Permissions.NoDefinitions = true
	w.noError(w.sim.Register(t.Context(), app))
	w.want(403, w.do("GET", "/api/v4/custom_fields", ""))
}
