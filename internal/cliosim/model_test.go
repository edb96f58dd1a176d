package cliosim_test

import (
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/internal/cliosim"
)

// TestValuesFollowAModel makes random changes to the values of a record and
// compares each answer with the three states as documented.
func TestValuesFollowAModel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *cliosim.Config) { c.Settings.LaxRequired = true })
	type state struct {
		id, value string // both empty: never set; value alone empty: emptied
	}
	samples := map[string][]string{
		"SSN": {`"1"`, `"语"`}, "Annual income": {`"1"`, `"2.5"`}, "Consent on file": {`true`, `false`}, "Web page": {`"https://a.example/"`},
	}
	shown := map[string]bool{"SSN": true, "Annual income": true, "Consent on file": true}
	rapid.Check(t, func(rt *rapid.T) {
		path := w.fresh("contacts")
		model := map[string]state{}
		gone := map[string]bool{}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			field := rapid.SampledFrom([]string{"SSN", "Annual income", "Consent on file", "Web page"}).Draw(rt, "field")
			value := rapid.SampledFrom(append(samples[field], "null", `""`)).Draw(rt, "value")
			now := model[field]
			var body string
			status := 200
			switch rapid.SampledFrom([]string{"create", "update", "destroy", "update gone"}).Draw(rt, "change") {
			case "create":
				body = fmt.Sprintf(`{"custom_field":{"id":%d},"value":%s}`, w.firm.Fields[field], value)
				if now.id != "" {
					status = 422
				}
			case "update":
				if now.id == "" {
					continue
				}
				body = fmt.Sprintf(`{"id":%q,"value":%s}`, now.id, value)
			case "destroy":
				if now.id == "" {
					continue
				}
				body = fmt.Sprintf(`{"id":%q,"_destroy":true}`, now.id)
				gone[now.id] = true
				delete(model, field)
				w.want(200, w.do("PATCH", path, write(body)))
				continue
			case "update gone":
				for id := range gone {
					w.want(404, w.do("PATCH", path, write(fmt.Sprintf(`{"id":%q,"value":%s}`, id, value))))
				}
				continue
			}
			got := w.want(status, w.do("PATCH", path+asked, write(body)))
			if status != 200 {
				continue
			}
			e := element(got, w.firm.Fields[field])
			id, _ := e["id"].(string)
			if id == "" || now.id != "" && id != now.id || gone[id] {
				rt.Fatalf("%s: id %q, before %q", field, id, now.id)
			}
			if value == "null" || value == `""` {
				value = ""
			}
			model[field] = state{id, value}
		}
		got := w.want(200, w.do("GET", path+asked, ""))
		for field := range samples {
			e, want := element(got, w.firm.Fields[field]), model[field]
			if want.id == "" && (e != nil) != shown[field] {
				rt.Fatalf("%s was never set: %v", field, e)
			}
			if want.id == "" {
				continue
			}
			have := ""
			switch v := e["value"].(type) {
			case string:
				have = `"` + v + `"`
			case bool:
				have = fmt.Sprint(v)
			}
			if e["id"] != want.id || have != want.value {
				rt.Fatalf("%s: %v, want %v", field, e, want)
			}
		}
	})
}

// TestConditionalWritesAreAtomic: of writers that all saw the same etag one
// wins, however they meet.
func TestConditionalWritesAreAtomic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const writers, rounds = 6, 5
	for range rounds {
		tag := w.do("GET", matter, "").header.Get("ETag")
		var wg sync.WaitGroup
		var mu sync.Mutex
		statuses := map[int]int{}
		for i := range writers {
			wg.Go(func() {
				r, err := w.try(t.Context(), "PATCH", matter, fmt.Sprintf(`{"data":{"location":"%d"}}`, i), "If-Match", tag)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				statuses[r.status]++
				mu.Unlock()
			})
		}
		wg.Wait()
		if statuses[200] != 1 || statuses[412] != writers-1 {
			t.Errorf("statuses %v", statuses)
		}
	}
}
