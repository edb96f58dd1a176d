package hostile_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/testenv"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// TestTamperedWorldMail alters, drops, moves and repeats every message and blob:
// invitations, pairings, statements of what was seen, operations (attacks 7, 10,
// 12, 14, 39, 45, 63).
func TestTamperedWorldMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	truth, got := map[string]view{}, classes{}
	for _, name := range []string{"alice", "omar", "bob"} {
		truth[name] = w.lookForMail(t, name, w.v.clone(), w.homes[name].Clone())
	}
	if truth["alice"]["invited"].text != w.gwen.Me.Member().String() || !strings.HasSuffix(truth["omar"]["pairing"].text, "omar's tablet") {
		t.Fatalf("nothing is under way: %+v, %+v", truth["alice"]["invited"], truth["omar"]["pairing"])
	}
	try := func(class, what string, change func(bad *vault)) {
		for _, name := range []string{"alice", "omar", "bob"} {
			home := w.homes[name].Clone()
			if strings.HasPrefix(class, "blob") {
				delete(home.Files, "organization.cache")
			}
			bad := w.v.clone()
			change(bad)
			got.add(class, judge(t, what+", "+class+", "+name, truth[name], w.lookForMail(t, name, bad, home)))
			same(t, what+", "+class+", "+name, truth[name], w.lookForMail(t, name, w.v.clone(), home))
		}
	}
	boxes := slices.DeleteFunc(indexes(w.v.Mail), func(i store.Index) bool { return len(w.v.Mail[i]) == 0 })
	for n, box := range boxes {
		other := boxes[(n+1)%len(boxes)]
		for i, m := range w.v.Mail[box] {
			what := fmt.Sprintf("message %d of %d", i, n)
			put := func(data []byte) func(*vault) {
				return func(bad *vault) { bad.Mail[box][i] = store.Message{ID: sha256.Sum256(data), Data: data} }
			}
			for way, change := range damage {
				if b := change(bytes.Clone(m.Data), w.v.Mail[other][0].Data); len(b) > 0 { // no store has empty ones
					try("message, "+way, what, put(b))
				}
			}
			try("message, gone", what, func(bad *vault) { bad.Mail[box] = slices.Delete(bad.Mail[box], i, i+1) })
			try("message, repeated", what, func(bad *vault) { bad.Mail[box] = append(bad.Mail[box], m, m) })
			try("message, everywhere", what, func(bad *vault) {
				for _, b := range boxes {
					bad.Mail[b] = append(bad.Mail[b], m)
				}
			})
			try("message, elsewhere", what, func(bad *vault) {
				bad.Mail[box] = slices.Delete(bad.Mail[box], i, i+1)
				bad.Mail[other] = append(bad.Mail[other], m)
			})
			try("message, in front", what, func(bad *vault) { slices.Reverse(bad.Mail[box]) })
		}
	}
	for name, b := range w.v.Blobs {
		for way, change := range damage {
			try("blob, "+way, "the blob", func(bad *vault) { bad.Blobs[name] = change(bytes.Clone(b), w.v.Entries[0]) })
		}
		try("blob, gone", "the blob", func(bad *vault) { delete(bad.Blobs, name) })
	}
	got.report(t, "message, repeated", "message, everywhere", "message, in front")
}

// TestTamperedWorldHomes alters every file that devices keep at home, and puts
// in its place an older one and another device's.
func TestTamperedWorldHomes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	truth, got := w.views(t), classes{}
	kinds := map[string]bool{}
	for _, name := range append(readers(), "omar") {
		for _, file := range slices.Sorted(maps.Keys(w.homes[name].Files)) {
			b := w.homes[name].Files[file]
			if len(b) == 0 {
				continue
			}
			kinds[file] = true
			attack := func(class string, change func(home *workspacetest.Local)) {
				home := w.homes[name].Clone()
				change(home)
				what := file + ", " + class
				got.add(class, w.attackOn(t, what, name, truth[name], home, w.v.clone()))
				home.Files[file] = b
				if class != "middle bit" && class != "gone" {
					return
				}
				same(t, what+", "+name, truth[name], w.look(t, name, w.v.clone(), home))
			}
			for way, change := range damage {
				attack(way, func(home *workspacetest.Local) { home.Files[file] = change(bytes.Clone(b), w.v.Entries[0]) })
			}
			attack("gone", func(home *workspacetest.Local) { delete(home.Files, file) })
			if old := w.early[name]; old != nil && len(old.Files[file]) > 0 {
				attack("older", func(home *workspacetest.Local) { home.Files[file] = old.Files[file] })
			}
			for _, other := range append(readers(), "omar") {
				if b := w.homes[other].Files[file]; other != name && len(b) > 0 {
					attack("another device's", func(home *workspacetest.Local) { home.Files[file] = b })
				}
			}
		}
	}
	for _, file := range []string{"organization.pin", "organization.cache", "invitations.sealed", "pairing.shown"} {
		if !kinds[file] {
			t.Errorf("no home has %s: %v", file, kinds)
		}
	}
	got.report(t, "older")
}

// TestTamperedWorldValues moves every value to every other record, joins pieces
// of values of all fields and epochs, and changes every bit, before somebody who
// holds every key there is (attacks 19, 20, 22, 26 to 28).
func TestTamperedWorldValues(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	rings := map[string]*fieldcrypt.Ring{}
	for _, name := range readers() {
		ring, _, err := w.f.Open(name).Ring(t.Context())
		must(t, err)
		rings[name] = ring
	}
	opens := func(token string, record fieldcrypt.Name) (text string, ok bool) {
		for _, ring := range rings {
			v, binding, err := ring.Open(token, record)
			if err == nil && binding == fieldcrypt.Bound {
				return string(v.Data), true
			}
			if !errors.Is(err, fieldcrypt.ErrUnknownKey) && err == nil {
				t.Errorf("opened, %s", binding)
			}
		}
		return "", false
	}
	ids, counts := map[fieldcrypt.KeyID]string{}, map[string]int{}
	none := func(class, token string, record fieldcrypt.Name) {
		counts[class]++
		if text, ok := opens(token, record); ok {
			t.Errorf("%s opens, to %q", class, text)
		}
	}
	for _, x := range w.tokens {
		if text, ok := opens(x.token, x.record); !ok || text != x.value { // without the attack
			t.Fatalf("%q does not open: %q", x.value, text)
		}
		p, err := fieldcrypt.Parse([]byte(x.token))
		must(t, err)
		if field := ids[p.KeyID]; field != "" && field != x.field {
			t.Errorf("%s and %s have one key", field, x.field)
		}
		ids[p.KeyID] = x.field
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(x.token, "us1."))
		must(t, err)
		text := func(b []byte) string { return "us1." + base64.RawURLEncoding.EncodeToString(b) }
		if text(raw) != x.token {
			t.Fatal("not the layout of a token")
		}
		for i := range len(raw) * 8 {
			b := bytes.Clone(raw)
			b[i/8] ^= 1 << (i % 8)
			none("a bit", text(b), x.record)
		}
		for _, y := range w.tokens {
			if y.token == x.token {
				continue
			}
			none("another record", x.token, y.record)
			other, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(y.token, "us1."))
			must(t, err)
			for at := 1; at < min(len(raw), len(other)); at++ {
				b := append(bytes.Clone(raw[:at]), other[at:]...)
				if bytes.Equal(b, raw) || bytes.Equal(b, other) {
					continue
				}
				none("two in one", text(b), x.record)
				none("two in one", text(b), y.record)
			}
		}
	}
	if len(ids) < 10 || counts["two in one"] < 10_000 || counts["another record"] < 500 {
		t.Errorf("too little: %d keys, %v", len(ids), counts)
	}
	t.Logf("%d keys; refused %v, wrong 0", len(ids), counts)
}

// TestWorldShowsNoText searches all that the store has for what it must not
// read (attack 64).
func TestWorldShowsNoText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all [][]byte
	all = append(all, w.v.Entries...)
	for _, list := range w.v.Envelopes {
		all = append(all, list...)
	}
	for _, b := range w.v.Blobs {
		all = append(all, b)
	}
	for _, list := range w.v.Mail {
		for _, m := range list {
			all = append(all, m.Data)
		}
	}
	// Shorter words stand somewhere in sealed bytes by chance.
	for _, text := range append(w.texts, "alice", "frank", "carol", "settlement", "board") {
		for _, b := range all {
			if bytes.Contains(b, []byte(text)) {
				t.Errorf("%q lies open", text)
			}
		}
	}
	if !slices.ContainsFunc(all, func(b []byte) bool { return bytes.Contains(b, []byte("clio")) }) {
		t.Error("not even what lies open by design is found: the search is wrong")
	}
}
