package main

import (
	"time"

	"github.com/underseal/underseal/workspace"
)

const (
	// maxClockBehind is how far a clock may be behind the last change without a
	// word.
	maxClockBehind = 10 * time.Minute
	// maxClockAhead is for how long nothing may have changed, by this device's
	// clock, without a word where somebody's time is over by it.
	maxClockAhead = 90 * 24 * time.Hour
)

// guestsTime is what is judged by a clock about guests.
const guestsTime = "a guest's time is over"

// warnClockBehind says that this device's clock contradicts the log, and what is
// judged by it.
func (a *app) warnClockBehind(w *workspace.Workspace, what string) {
	if behind := w.ClockBehind(); behind > maxClockBehind {
		a.warn("this device's clock is %s behind the last change of the organization; whether %s is judged by it", roughly(behind), what)
	}
}

// warnGuestClock says the same where guests' time is judged, and also where the
// clock may be far ahead: by such a one everybody's time is over. Who is taken out
// for that is asked for by an officer, after this was said.
func (a *app) warnGuestClock(w *workspace.Workspace) {
	a.warnClockBehind(w, guestsTime)
	last := w.Freshness().HeadTime
	if since := a.now().Sub(last); since > maxClockAhead {
		a.warn("by this device's clock nothing has changed in the organization since %s, %d days ago; if that is not so, set the clock: whether %s is judged by it",
			day(last), int(since.Hours()/24), guestsTime)
	}
}
