package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/internal/term"
)

// jsonEvent is one line of the stream that --json prints while a job works.
type jsonEvent struct {
	Event   string       `json:"event"`
	Time    time.Time    `json:"time"`
	Call    string       `json:"call"`
	Job     string       `json:"job,omitempty"`
	Records int64        `json:"records"`
	Total   int64        `json:"total"` // -1 where nobody knows
	Changed int64        `json:"changed"`
	Skipped int64        `json:"skipped"`
	Rate    float64      `json:"records_per_minute"`
	Left    int64        `json:"seconds_left"`
	Until   *time.Time   `json:"until,omitempty"`
	Warning string       `json:"warning,omitempty"`
	Finding *jsonFinding `json:"finding,omitempty"`
}

type jsonFinding struct {
	On     string `json:"on"`
	Record string `json:"record"`
	Name   string `json:"name,omitempty"`
	State  string `json:"state,omitempty"`
	Reason string `json:"reason"`
}

func jsonFindingOf(f bulk.Finding) jsonFinding {
	j := jsonFinding{On: f.Kind, Record: f.Record, Name: f.Name, Reason: string(f.Reason)}
	if f.Field != "" {
		j.State = f.State.String()
	}
	return j
}

// watcher shows what a job does while it works: a bar where somebody watches,
// a JSON stream for programs.
type watcher struct {
	a   *app
	bar *progressbar.ProgressBar
	of  int64
	// quiet leaves out what the result will say anyway.
	quiet bool
	found findings
}

// watch makes a watcher. end takes the bar away.
func (a *app) watch() (v *watcher, end func()) {
	v = &watcher{a: a}
	return v, v.end
}

func (v *watcher) end() {
	if v.bar != nil {
		_ = v.bar.Clear()
		v.bar = nil
	}
}

// event is told what happens, one after the other.
func (v *watcher) event(e bulk.Event) {
	if e.Kind == bulk.EventFinding {
		v.found.add(jsonFindingOf(e.Finding))
	}
	if v.a.json {
		if !v.quiet {
			v.a.printJSON(jsonEventOf(e), nil)
		}
		return
	}
	switch e.Kind {
	case bulk.EventStarted:
		v.end()
	case bulk.EventPage:
		v.show(e)
	case bulk.EventWaiting:
		v.end()
		v.a.say("somebody else is at work on the rest; looking again in %s", lasting(e.Until.Sub(e.Time)))
	case bulk.EventWarning:
		v.end()
		v.a.warn("%s", term.EscapeTo(clioText(e.Warning), maxMessage))
	case bulk.EventFinished:
		v.end()
	case bulk.EventFinding: // the report lists them
	}
}

// show moves the bar.
func (v *watcher) show(e bulk.Event) {
	f, ok := v.a.stderr.(*os.File)
	if !ok || !term.IsTerminal(f) {
		return
	}
	if v.bar == nil || v.of != e.Total {
		v.end()
		v.of = e.Total
		v.bar = progressbar.NewOptions64(e.Total, progressbar.OptionSetWriter(f), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false), progressbar.OptionShowCount())
	}
	v.bar.Describe(barText(e))
	_ = v.bar.Set64(e.Records)
}

// barText stands beside the bar, which has the number of records. How fast they
// are counted is left out: what follows waits for Clio.
func barText(e bulk.Event) string {
	text := callWords(e.Call)
	if e.Call == "plan" {
		return text
	}
	if e.Rate > 0 {
		text += fmt.Sprintf(", %.0f a minute", e.Rate)
	}
	if e.Left > 0 {
		text += ", " + roughly(e.Left) + " left"
	}
	return text
}

func jsonEventOf(e bulk.Event) jsonEvent {
	j := jsonEvent{
		Event: string(e.Kind), Time: e.Time.UTC(), Call: e.Call, Job: e.Job, Records: e.Records, Total: e.Total,
		Changed: e.Changed, Skipped: e.Skipped, Rate: e.Rate, Left: int64(e.Left.Seconds()), Warning: clioText(e.Warning),
	}
	if !e.Until.IsZero() {
		until := e.Until.UTC()
		j.Until = &until
	}
	if e.Kind == bulk.EventFinding {
		f := jsonFindingOf(e.Finding)
		j.Finding = &f
	}
	return j
}

// callWords says what a call does to records.
func callWords(call string) string {
	switch call {
	case "plan":
		return "counting"
	case "export":
		return "copying"
	case "enable":
		return "sealing"
	case "disable":
		return "opening"
	case "undo":
		return "undoing"
	case "rekey":
		return "sealing again"
	case "undo-rekey":
		return "putting back"
	case "verify":
		return "verifying"
	default:
		return call
	}
}

// roughly is a time to come as an estimate is said: two units at most.
func roughly(d time.Duration) string {
	switch {
	case d < time.Second:
		return "a second"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int64(d.Round(time.Second)/time.Second))
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int64(d.Round(time.Minute)/time.Minute))
	case d < 72*time.Hour:
		return fmt.Sprintf("%d h %d min", int64(d/time.Hour), int64(d%time.Hour/time.Minute))
	default:
		return fmt.Sprintf("%d days", int64(d/(24*time.Hour)))
	}
}
