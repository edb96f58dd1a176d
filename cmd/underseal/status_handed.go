package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

const pendingAltered = "somebody altered the file handed.cbor in the home folder: if a change failed lately that was to give somebody a key, change that key (underseal field rotate, underseal group rotate); then delete handed.altered there"

// statusHanded tells of keys that changes which failed have handed to somebody who
// was not granted them, and that opening the organization could not take back.
func statusHanded(ctx context.Context, w *workspace.Workspace, s *jsonStatus) error {
	list, err := w.HandedOut(ctx)
	if err != nil {
		return err
	}
	switch altered, err := w.HandedAltered(); {
	case err != nil:
		return err
	case altered:
		s.Pending = append(s.Pending, pendingAltered)
	}
	for _, h := range list {
		what := string(h.Kind) + " " + term.Escape(h.Text)
		if h.Kind == workspace.ThingMember {
			what = "your own"
		}
		then := "the next command tries again to replace it: underseal org catch-up"
		if !h.Mine {
			then = "ask an officer to change it"
			if who := emails(h.Openers); len(who) > 0 {
				then = "ask for it to be changed: " + term.Escape(strings.Join(who, ", "))
			}
		}
		s.Pending = append(s.Pending, fmt.Sprintf("the key of %s may be with somebody to whom a change that failed was to give it; %s", what, then))
	}
	return nil
}

// addedLine says that a device was brought in; nothing to who did it, and to that
// device. Officers are told of installations: everybody writes down backups.
func addedLine(x *words, w *workspace.Workspace, l workspace.Alarm) (string, bool) {
	d := w.State().Device(l.Added)
	if d == nil || l.By == w.DeviceID() || l.Added == w.DeviceID() {
		return "", false
	}
	what, m := "device", w.Me()
	if d.Record.Kind != officer.DeviceInstallation {
		if what = "backup"; m == nil || m.ID != l.Member {
			return "", false
		}
	}
	id := l.Added.String()[:shortID]
	then := "ask them, and remove it if it is not theirs: underseal device remove " + id
	switch {
	case m == nil:
		then = "if that was not you, an officer removes it"
	case m.ID == l.Member:
		then = "if that was not you: underseal device remove " + id
	}
	return fmt.Sprintf("%s %s was added to %s by device %s on %s; %s", what, id, x.member(l.Member), l.By.String()[:shortID], day(l.Time), then), true
}
