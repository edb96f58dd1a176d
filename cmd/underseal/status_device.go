package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// alarmFor is how long status tells of an alarm: a holiday, and a little more.
// The log tells for ever.
const alarmFor = 30 * 24 * time.Hour

// statusDevices fills in whether there is a backup, and what happened to
// devices that their owner should know of (attack 62).
func (a *app) statusDevices(ctx context.Context, w *workspace.Workspace, s *jsonStatus) (err error) {
	statusRecovery(w, s)
	if w.Me() != nil {
		if s.Backup, err = w.BackedUp(); err != nil {
			return err
		}
	}
	list, err := w.Alarms(ctx, a.now().Add(-alarmFor))
	if err != nil || len(list) == 0 {
		return err
	}
	x := newWords(ctx, w)
	s.Pending = append(s.Pending, competing(x, list)...)
	for _, l := range list {
		if l.By == w.DeviceID() {
			continue // whoever did it knows
		}
		if l.Added != (officer.DeviceID{}) {
			if line, ok := addedLine(x, w, l); ok {
				s.Pending = append(s.Pending, line)
			}
			continue
		}
		what := "the user key of " + x.member(l.Member) + " was replaced"
		if l.Removed != (officer.DeviceID{}) {
			what = fmt.Sprintf("device %s of %s was removed", l.Removed.String()[:shortID], x.member(l.Member))
		}
		if l.Requested != (officer.DeviceID{}) {
			if r := w.State().Request(l.Requested); r != nil && r.Ended {
				continue
			}
			line := fmt.Sprintf("%s asked on %s to recover %s on device %s; who has lost nothing ends that: underseal recovery enroll",
				x.device(l.By), day(l.Time), x.member(l.Member), l.Requested.String()[:shortID])
			if r, err := w.Request(ctx, l.Requested); err == nil && r.Mine() {
				line += "; who has is waiting for you, call them: underseal recovery approve " + l.Requested.String()[:shortID]
			}
			s.Pending = append(s.Pending, line)
			continue
		}
		by := l.By.String()[:shortID]
		then := "an officer removes that device"
		if m := w.Me(); m != nil && (m.ID == l.Member || m.Role == officer.RoleOfficer) {
			then = "remove that device: underseal device remove " + by
		}
		s.Pending = append(s.Pending, fmt.Sprintf("%s by device %s on %s; if that was not its owner, %s", what, by, day(l.Time), then))
	}
	return nil
}

// competing tells of members several of whose devices removed one another or
// replaced the user key: one of them may be a thief's, and the log does not say
// which. Whoever took part is told as well.
func competing(x *words, list []workspace.Alarm) (lines []string) {
	acted := map[officer.MemberID][]string{}
	var order []officer.MemberID
	for _, l := range list {
		id := l.By.String()[:shortID]
		if l.Requested != (officer.DeviceID{}) || l.Added != (officer.DeviceID{}) || slices.Contains(acted[l.Member], id) {
			continue
		}
		if acted[l.Member] = append(acted[l.Member], id); len(acted[l.Member]) == 2 {
			order = append(order, l.Member)
		}
	}
	for _, m := range order {
		lines = append(lines, fmt.Sprintf("devices %s of %s act against one another; ask their owner by voice which are theirs, and remove the others",
			strings.Join(acted[m], " and "), x.member(m)))
	}
	return lines
}
