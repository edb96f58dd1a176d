package cliosim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/cliosim"
)

// fresh makes a contact or matter without values and returns its path.
func (w *world) fresh(kind string) string {
	w.t.Helper()
	before := w.sim.Settings()
	w.setting(func(s *cliosim.Settings) { s.LaxRequired = true })
	body := `{"data":{"type":"Company","name":"Fresh"}}`
	if kind == "matters" {
		body = `{"data":{"description":"Fresh","client":{"id":10000001}}}`
	}
	got := w.want(201, w.do("POST", "/api/v4/"+kind, body))
	w.sim.SetSettings(before)
	return "/api/v4/" + kind + "/" + got.text("data", "id")
}

func (w *world) setting(change func(*cliosim.Settings)) {
	s := w.sim.Settings()
	change(&s)
	w.sim.SetSettings(s)
}

const asked = "?fields=id,etag,custom_field_values{id,value,custom_field}"

// element finds the value of a field in a reply; nil where there is none.
func element(r reply, field int64) map[string]any {
	list, _ := r.get("data", "custom_field_values").([]any)
	for _, e := range list {
		e := e.(map[string]any)
		if fmt.Sprint(e["custom_field"].(map[string]any)["id"]) == fmt.Sprint(field) {
			return e
		}
	}
	return nil
}

func write(element string) string {
	return `{"data":{"custom_field_values":[` + element + `]}}`
}

// TestThreeEmptyStates walks a value through all its states.
func TestThreeEmptyStates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.fresh("contacts")
	ssn, page := w.firm.Fields["SSN"], w.firm.Fields["Web page"]
	got := w.want(200, w.do("GET", path+asked, ""))
	if e := element(got, ssn); e == nil || e["id"] != nil || e["value"] != nil {
		t.Errorf("a field that is shown and was never set: %v", e)
	}
	if e := element(got, page); e != nil {
		t.Errorf("a field that is not shown: %v", e)
	}

	create := fmt.Sprintf(`{"custom_field":{"id":%d},"value":"123"}`, ssn)
	got = w.want(200, w.do("PATCH", path+asked, write(create)))
	id, _ := element(got, ssn)["id"].(string)
	if !strings.HasPrefix(id, "text_line-") || id == fmt.Sprintf("text_line-%d", ssn) {
		t.Fatalf("id %q", id)
	}
	again := w.want(422, w.do("PATCH", path, write(create)))
	if !strings.Contains(again.body, fmt.Sprintf("custom field value for custom field %d already exists", ssn)) {
		t.Error(again.body)
	}

	got = w.want(200, w.do("PATCH", path+asked, write(`{"id":"`+id+`","value":null}`)))
	if e := element(got, ssn); e["id"] != id || e["value"] != nil {
		t.Errorf("an emptied value: %v", e)
	}
	w.want(422, w.do("PATCH", path, write(create))) // even a null one

	got = w.want(200, w.do("PATCH", path+asked, write(`{"id":"`+id+`","value":"456"}`)))
	if e := element(got, ssn); e["id"] != id || e["value"] != "456" {
		t.Errorf("a changed value: %v", e)
	}
	got = w.want(200, w.do("PATCH", path+asked, write(`{"id":"`+id+`","_destroy":true}`)))
	if e := element(got, ssn); e == nil || e["id"] != nil {
		t.Errorf("a destroyed value: %v", e)
	}
	w.want(404, w.do("PATCH", path, write(`{"id":"`+id+`","value":"789"}`)))
	got = w.want(200, w.do("PATCH", path+asked, write(create)))
	if e := element(got, ssn); e["id"] == id || e["value"] != "123" {
		t.Errorf("a value made again: %v", e)
	}
}

// TestTypedValues is what every type takes and answers.
func TestTypedValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.transport.Lenient(true)
	option := w.do("GET", fmt.Sprintf("/api/v4/custom_fields/%d?fields=picklist_options{id}", w.firm.Fields["Court"]), "").text("data", "picklist_options", "0", "id")
	long := func(n int, of string) string { return `"` + strings.Repeat(of, n) + `"` }
	for _, c := range []struct {
		field       string
		given, want string // JSON; want is empty where it is refused
	}{
		{"SSN", `"900-01"`, `"900-01"`},
		{"SSN", `""`, `null`},
		{"SSN", `null`, `null`},
		{"SSN", long(255, "語"), long(255, "語")},
		{"SSN", long(256, "a"), ``},
		{"SSN", `12`, ``},
		{"SSN", `true`, ``},
		{"Minor's name", `"a\nb"`, `"a\nb"`},
		{"Minor's name", long(65536, "a"), long(65536, "a")},
		{"Minor's name", long(65537, "a"), ``},
		{"Annual income", `12`, `"12"`},
		{"Annual income", `"012.50"`, `"12.5"`},
		{"Annual income", `-3.25`, `"-3.25"`},
		{"Annual income", `"1e3"`, ``},
		{"Annual income", `"twelve"`, ``},
		{"Settlement amount", `12.5`, `"12.50"`},
		{"Settlement amount", `"12.50"`, `"12.50"`},
		{"Settlement amount", `"$12"`, ``},
		{"Consent on file", `true`, `true`},
		{"Consent on file", `false`, `false`},
		{"Consent on file", `"yes"`, ``},
		{"Hearing date", `"2026-02-28"`, `"2026-02-28"`},
		{"Hearing date", `"2026-02-29"`, ``},
		{"Hearing date", `"28.2.2026"`, ``},
		{"Hearing time", `"09:30"`, `"09:30:00"`},
		{"Hearing time", `"24:00"`, ``},
		{"Court", `"` + option + `"`, `"` + option + `"`},
		{"Court", `"1"`, ``},
		{"Court", `"District Court"`, ``},
		{"Private email", `"a@b.example"`, `"a@b.example"`},
		{"Private email", `"A <a@b.example>"`, ``},
		{"Web page", `"https://a.example/b"`, `"https://a.example/b"`},
		{"Web page", `"us1.abc"`, ``},
		{"Employer", `"10000001"`, `"10000001"`},
		{"Employer", `"20000001"`, ``},
		{"Related matter", `20000001`, `"20000001"`},
		{"Related matter", `"x"`, ``},
	} {
		path := w.fresh("contacts")
		if strings.Contains("Minor's name Settlement amount Hearing date Hearing time Court Related matter", c.field) {
			path = w.fresh("matters")
		}
		got := w.do("PATCH", path+asked, write(fmt.Sprintf(`{"custom_field":{"id":%d},"value":%s}`, w.firm.Fields[c.field], c.given)))
		if c.want == "" {
			if got.status != 422 {
				t.Errorf("%s: %.40s: status %d, want 422", c.field, c.given, got.status)
			}
			continue
		}
		if got.status != 200 || !strings.Contains(got.body, `"value":`+c.want+`}`) {
			t.Errorf("%s: %.40s: status %d: %.300s", c.field, c.given, got.status, got.body)
		}
	}
}

func TestRefusedValueWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.transport.Lenient(true)
	path := w.fresh("contacts")
	ssn, court := w.firm.Fields["SSN"], w.firm.Fields["Court"]
	id := element(w.want(200, w.do("PATCH", path+asked, write(fmt.Sprintf(`{"custom_field":{"id":%d},"value":"1"}`, ssn)))), ssn)["id"]
	n := strings.TrimPrefix(fmt.Sprint(id), "text_line-")
	for _, c := range []struct {
		element string
		status  int
	}{
		{fmt.Sprintf(`{"custom_field":{"id":%d},"value":"x"}`, court), 422}, // of matters
		{`{"custom_field":{"id":1},"value":"x"}`, 422},
		{`{"value":"x"}`, 422},
		{fmt.Sprintf(`{"id":%q}`, id), 422},
		{`{"id":"text_line-999999","value":"x"}`, 404},
		{`{"id":"text_area-` + n + `","value":"x"}`, 404},
		{`{"id":` + n + `,"value":"x"}`, 404},
		{fmt.Sprintf(`{"id":%q,"custom_field":{"id":%d},"value":"x"}`, id, court), 422},
		{fmt.Sprintf(`{"custom_field":{"id":%d},"_destroy":true}`, ssn), 422},
		{fmt.Sprintf(`{"id":%q,"val":"x"}`, id), 400},
		{`7`, 422},
	} {
		if got := w.do("PATCH", path, write(c.element)); got.status != c.status {
			t.Errorf("%s: status %d, want %d: %s", c.element, got.status, c.status, got.body)
		}
	}
	// One refused element refuses the whole request.
	before := w.do("GET", path+asked, "").body
	w.want(422, w.do("PATCH", path, write(fmt.Sprintf(`{"id":%q,"value":"changed"},{"value":"x"}`, id))))
	if after := w.do("GET", path+asked, "").body; after != before {
		t.Errorf("a refused request changed %s to %s", before, after)
	}
}

func TestRequiredFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	consent := w.firm.Fields["Consent on file"]
	const bare = `{"data":{"type":"Company","name":"New"}}`
	w.want(422, w.do("POST", "/api/v4/contacts", bare))
	full := fmt.Sprintf(`{"data":{"type":"Company","name":"New","custom_field_values":[{"custom_field":{"id":%d},"value":false}]}}`, consent)
	got := w.want(201, w.do("POST", "/api/v4/contacts"+asked, full))
	path, id := "/api/v4/contacts/"+got.text("data", "id"), element(got, consent)["id"]
	w.want(422, w.do("PATCH", path, write(fmt.Sprintf(`{"id":%q,"value":null}`, id))))
	w.want(422, w.do("PATCH", path, write(fmt.Sprintf(`{"id":%q,"_destroy":true}`, id))))
	w.want(200, w.do("PATCH", path, `{"data":{"name":"Renamed"}}`))
	w.want(200, w.do("PATCH", fmt.Sprintf("/api/v4/custom_fields/%d", consent), `{"data":{"required":false}}`))
	w.want(200, w.do("PATCH", path, write(fmt.Sprintf(`{"id":%q,"_destroy":true}`, id))))
	w.want(201, w.do("POST", "/api/v4/contacts", bare))
	w.want(200, w.do("PATCH", fmt.Sprintf("/api/v4/custom_fields/%d", consent), `{"data":{"required":true}}`))
	w.want(422, w.do("POST", "/api/v4/contacts", bare))
	w.setting(func(s *cliosim.Settings) { s.LaxRequired = true })
	w.want(201, w.do("POST", "/api/v4/contacts", bare))
}

func TestOnlyTheFieldsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ssn := w.firm.Fields["SSN"]
	path := fmt.Sprintf("%s%s&custom_field_ids[]=%d", contact, asked, ssn)
	got := w.want(200, w.do("GET", path, ""))
	list, _ := got.get("data", "custom_field_values").([]any)
	if len(list) != 1 || element(got, ssn) == nil {
		t.Error(got.body)
	}
}

// TestSetsShowTheirFields checks that a field in a set that goes with a
// record is shown on it.
func TestSetsShowTheirFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.fresh("matters")
	minor := w.firm.Fields["Minor's name"]
	if e := element(w.do("GET", path+asked, ""), minor); e != nil {
		t.Errorf("shown without the set: %v", e)
	}
	set := w.do("GET", "/api/v4/custom_field_sets?parent_type=Matter", "").text("data", "0", "id")
	w.want(200, w.do("PATCH", path, `{"data":{"custom_field_set_associations":[{"custom_field_set":{"id":`+set+`}}]}}`))
	got := w.want(200, w.do("GET", path+asked+",custom_field_set_associations{id}", ""))
	if e := element(got, minor); e == nil || e["id"] != nil {
		t.Errorf("with the set: %v", e)
	}
	association := got.text("data", "custom_field_set_associations", "0", "id")
	w.want(200, w.do("PATCH", path, `{"data":{"custom_field_set_associations":[{"id":`+association+`,"_destroy":true}]}}`))
	if e := element(w.do("GET", path+asked, ""), minor); e != nil {
		t.Errorf("still shown: %v", e)
	}
	w.noError(w.sim.SetMembers(t.Context(), 600_001))
}
