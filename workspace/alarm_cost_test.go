package workspace_test

import (
	"context"
	"testing"
	"time"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// counted is a store that counts the entries that it gives.
type counted struct {
	store.Store
	entries int
}

func (s *counted) Read(ctx context.Context, from uint64, limit int) ([][]byte, error) {
	page, err := s.Store.Read(ctx, from, limit)
	s.entries += len(page)
	return page, err
}

// TestAlarmsReadTheirTime: what an officer is told of costs what has happened since
// then, and not the whole log; and a clock that was wrong once hides nothing.
func TestAlarmsReadTheirTime(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f, _ := firmOfTwo(t)
	backUp(t, f, "bob", officer.DevicePaperKit, "an old kit")
	now := workspacetest.Clock()
	at := func(when time.Time, n int) {
		w := dated(t, f, "alice", when)
		for i := range n {
			must(t, w.Grant(ctx, "ssn", "bob@example.com", officer.Read|officer.Rights(i%2)*officer.Write))
		}
	}
	ask := func() (list []workspace.Alarm, read int) {
		s := &counted{Store: f.Store}
		w := f.OpenOn("alice", s)
		s.entries = 0
		list, err := w.Alarms(ctx, now.Add(-24*time.Hour))
		must(t, err)
		return list, s.entries
	}
	at(now.Add(-48*time.Hour), 300)
	c := backUp(t, f, "bob", officer.DevicePaperKit, "a new kit")
	at(now.Add(-48*time.Hour), 1) // a clock that is wrong once
	at(now, 3)
	list, read := ask()
	if len(list) != 1 || list[0].Added != c2id(t, f, c) {
		t.Errorf("%+v", list)
	}
	if length := int(f.Open("alice").State().Head().Length); read > 200 || length < 300 {
		t.Errorf("%d of %d entries were read", read, length)
	}
}
