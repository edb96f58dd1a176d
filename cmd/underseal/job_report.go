package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/internal/term"
)

// jsonReport is what a call of a job did.
type jsonReport struct {
	Event    string            `json:"event"` // "report": the last line of the stream
	Call     string            `json:"call"`
	Job      string            `json:"job,omitempty"`
	Account  string            `json:"account"`
	Started  time.Time         `json:"started"`
	Ended    time.Time         `json:"ended"`
	Records  int64             `json:"records"`
	Total    int64             `json:"total"`
	Changed  int64             `json:"changed"`
	Skipped  int64             `json:"skipped"`
	Requests int64             `json:"requests"`
	Waits    int64             `json:"waits"`
	Waited   float64           `json:"waited_seconds"`
	Exported int64             `json:"exported"`
	Export   string            `json:"export,omitempty"`
	Fields   []jsonFieldReport `json:"fields"`
	Findings []jsonFinding     `json:"findings"`
	More     int64             `json:"more_findings"`
}

type jsonFieldReport struct {
	Name    string           `json:"name"`
	ID      string           `json:"id"`
	States  map[string]int64 `json:"states"`
	TooLong int64            `json:"too_long"`
	Changed int64            `json:"changed"`
	Again   int64            `json:"sealed_again"` // of those that were changed
	Skipped int64            `json:"skipped"`
}

// states are all of them, in the order in which people read them.
var states = []bulk.State{
	bulk.Absent, bulk.Unset, bulk.Cleared, bulk.Plain, bulk.Sealed, bulk.Old, bulk.Unreadable, bulk.Foreign, bulk.Suspicious, bulk.Blocked,
}

func jsonReportOf(r bulk.Report, export string) jsonReport {
	j := jsonReport{
		Event: "report", Call: r.Call, Job: r.Job, Account: r.Place.Account, Started: r.Started.UTC(), Ended: r.Ended.UTC(),
		Records: r.Records, Total: r.Total, Changed: changedIn(r.Counts), Skipped: skippedIn(r.Counts), Requests: r.Usage.Requests,
		Waits: r.Usage.Waits, Waited: r.Usage.Waited.Seconds(), Exported: r.Exported, Export: export,
		Fields: []jsonFieldReport{}, Findings: []jsonFinding{}, More: r.More,
	}
	for _, f := range r.Fields {
		x := jsonFieldReport{Name: f.Name, ID: f.Field, States: map[string]int64{}, TooLong: f.TooLong, Changed: f.Changed, Again: f.SealedAgain, Skipped: f.Skipped}
		for _, s := range states {
			x.States[s.String()] = f.Of(s)
		}
		j.Fields = append(j.Fields, x)
	}
	for _, f := range r.Findings {
		j.Findings = append(j.Findings, jsonFindingOf(f))
	}
	return j
}

func changedIn(c bulk.Counts) int64 {
	return c.Sum(func(f bulk.FieldCounts) int64 { return f.Changed })
}
func skippedIn(c bulk.Counts) int64 {
	return c.Sum(func(f bulk.FieldCounts) int64 { return f.Skipped })
}

// reportFile keeps the last report of a job, which holds no value.
func reportFile(job string) string { return path.Join(jobsFolder, job+".json") }

// keepReport writes a report for underseal clio report. That it cannot be kept
// undoes nothing of what was done.
func (a *app) keepReport(home homeDir, r jsonReport) {
	if r.Job == "" {
		return
	}
	body, err := json.Marshal(r)
	if err == nil {
		err = home.Save(reportFile(r.Job), body)
	}
	if err != nil {
		a.warn("the report could not be kept: %v", err)
	}
}

func loadReport(home homeDir, job string) (jsonReport, error) {
	var r jsonReport
	b, err := home.Load(reportFile(job))
	if errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("job %s: %w", term.Escape(job), errNoReport)
	} else if err != nil {
		return r, err
	}
	if json.Unmarshal(b, &r) != nil || r.Job != job {
		return r, fmt.Errorf("%s: %w", reportFile(job), errConfig)
	}
	return r, nil
}

// printReport prints a report for people, with what was found.
func (a *app) printReport(r jsonReport, found findings) error {
	t := a.table()
	switch r.Call {
	case string(bulk.Enable):
		t.row("FIELD", "SEALED NOW", "SEALED BEFORE", "SKIPPED")
	case string(bulk.Disable), string(bulk.Undo):
		t.row("FIELD", "OPENED", "SKIPPED")
	case string(bulk.Rekey):
		t.row("FIELD", "SEALED AGAIN", "PRESENT KEY", "SKIPPED")
	case string(bulk.UndoRekey):
		t.row("FIELD", "PUT BACK", "SKIPPED")
	default:
		t.row("FIELD", "SEALED", "IN CLEAR", "OTHER", "EMPTY")
	}
	for _, f := range r.Fields {
		s := f.States
		sealed, empty := s["sealed"]+s["old"], s["absent"]+s["unset"]+s["cleared"]
		switch r.Call {
		case string(bulk.Enable):
			t.row(term.Escape(f.Name), fmt.Sprint(f.Changed), fmt.Sprint(sealed-f.Again), fmt.Sprint(f.Skipped))
		case string(bulk.Disable), string(bulk.Undo), string(bulk.UndoRekey):
			t.row(term.Escape(f.Name), fmt.Sprint(f.Changed), fmt.Sprint(f.Skipped))
		case string(bulk.Rekey):
			t.row(term.Escape(f.Name), fmt.Sprint(f.Changed), fmt.Sprint(s["sealed"]), fmt.Sprint(f.Skipped))
		default:
			t.row(term.Escape(f.Name), fmt.Sprint(sealed), fmt.Sprint(s["plain"]), fmt.Sprint(s["unreadable"]+s["foreign"]+s["suspicious"]+s["blocked"]), fmt.Sprint(empty))
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	for _, f := range r.Fields {
		if f.Again > 0 && r.Call == string(bulk.Enable) {
			a.print("%s: %s left of an ended field, sealed again", term.Escape(f.Name), count(f.Again, "value", "values"))
		}
	}
	a.printFindings(found)
	a.print("%s", foldText(fmt.Sprintf("%s in %s: %s%s", count(r.Records, "record", "records"), roughly(r.Ended.Sub(r.Started)), count(r.Requests, "request", "requests"), waited(r))))
	if r.Job != "" && r.Call != callVerify {
		a.print("job %s", term.Escape(r.Job))
	}
	return nil
}

// callVerify is the call whose id is that of a job only by chance: it is made of
// whatever is protected.
const callVerify = "verify"

// waited is how long requests waited for Clio's sake, where that is worth a
// word: in the mean, since they wait beside one another.
func waited(r jsonReport) string {
	if r.Waits == 0 || r.Waited < 1 {
		return ""
	}
	return fmt.Sprintf(", of which %d kept to Clio's limit and waited %.1f s each", r.Waits, r.Waited/float64(r.Waits))
}

func inField(field string) string {
	if field == "" {
		return ""
	}
	return ", " + term.Escape(field)
}
