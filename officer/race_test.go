package officer_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/underseal/underseal/officer"
)

// A state is a value: many goroutines ask it, extend it in different ways and
// write it down at once, and it stays what it was. For the race detector.
func TestStateIsAValue(t *testing.T) {
	t.Parallel()
	o := busy(t)
	for name, s := range map[string]*officer.State{"replayed": o.State, "cached": through(t, o.State)} {
		cache := s.EncodeCache()
		var entries [][]byte
		for i := range 4 {
			entries = append(entries,
				o.Write(fmt.Sprintf("alice: add person%d as member; rotate phone; grant phone to person%d r; file phone.label under phone@3", i, i)),
				o.Write(fmt.Sprintf("bob/laptop: add device bob/%d; rotate user bob; create folder new%d", i, i)),
				o.Write("olga: remove device bob/laptop; rotate people; close case"), // refused: not olga's to rotate
			)
		}
		var all sync.WaitGroup
		for i, entry := range entries {
			all.Go(func() {
				next, err := s.Apply(entry)
				if (err != nil) != (i%3 == 2) {
					t.Errorf("%s, entry %d: %v", name, i, err)
				}
				if err == nil {
					use(next)
				}
				use(s)
			})
		}
		all.Wait()
		if !bytes.Equal(s.EncodeCache(), cache) {
			t.Errorf("the %s state changed", name)
		}
	}
}

// Two states that grow from one share what neither changes, and nothing else.
func TestForksAreApart(t *testing.T) {
	t.Parallel()
	o := busy(t)
	a, b := o.Fork(), o.Fork()
	lines := func(who string) []string {
		return []string{
			"alice: rotate phone; file phone.label under phone@3; file organization under people",
			"alice: grant phone to " + who + " rw; reseal phone@1 to bob; reseal phone@2 to bob",
			who + ": add device " + who + "/second; rotate user " + who,
			"alice: reseal phone@3 to bob; file " + who + "/second under people",
		}
	}
	var from []string
	for i := range lines("") {
		a.Do(lines("bob")[i])
		b.Do(lines("olga")[i])
		from = append(from, dumpState(a.State), dumpState(b.State))
	}
	for i, fork := range []*officer.State{a.State, b.State} {
		if got := dumpState(fork); got != from[len(from)-2+i] {
			t.Errorf("fork %d changed", i)
		}
	}
	for _, fork := range [][][]byte{a.Log, b.Log} {
		alone, err := officer.Replay(o.ID, fork)
		if err != nil {
			t.Fatal(err)
		}
		if got := dumpState(alone); got != dumpState(a.State) && got != dumpState(b.State) {
			t.Error("a fork is not what its log says")
		}
	}
}
