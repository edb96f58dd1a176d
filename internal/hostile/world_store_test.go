package hostile_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/testenv"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// classes counts what came of attacks, by their kind.
type classes map[string]*verdict

func (c classes) add(class string, r verdict) {
	if c[class] == nil {
		c[class] = &verdict{}
	}
	c[class].add(r)
}

// report fails where a kind of attack had no effect that could be seen, unless
// it is one of those that have none by design, or a wrong answer.
func (c classes) report(t *testing.T, effectless ...string) {
	t.Helper()
	if len(c) == 0 {
		t.Fatal("no attacks")
	}
	for _, class := range slices.Sorted(maps.Keys(c)) {
		r := c[class]
		t.Logf("%s: refused %d, no effect %d, wrong %d", class, r.refused, r.fine, r.wrong)
		if r.wrong > 0 || r.refused+r.fine == 0 || (r.refused == 0) != slices.Contains(effectless, class) {
			t.Errorf("%s is not what was to be expected", class)
		}
	}
}

// attackOn shows an altered vault to a device whose home is as it was, and the
// true one afterwards to the device as the attack has left it.
func (w *world) attackOn(t *testing.T, what, who string, truth view, home *workspacetest.Local, bad *vault) verdict {
	t.Helper()
	n := bad.size()
	r := judge(t, what+", "+who, truth, w.look(t, who, bad, home))
	if bad.size() != n {
		t.Errorf("%s, %s: something was written", what, who)
	}
	return r
}

// everyWay tells whether there is time for each attack on each thing, and not
// only for a part of them on each.
func everyWay() bool { return os.Getenv("UNDERSEAL_LONG") != "" }

// views is what each device sees without an attack.
func (w *world) views(t *testing.T) map[string]view {
	t.Helper()
	truth := map[string]view{}
	for _, who := range append(readers(), "omar") {
		truth[who] = w.look(t, who, w.v.clone(), w.homes[who].Clone())
		if truth[who]["open"].err != nil {
			t.Fatal(truth[who]["open"].err)
		}
	}
	return truth
}

// TestTamperedWorldLog alters every entry of the log in every way, leaves it
// out, repeats it, moves it, and has others sign it. A device verifies all of it
// and refuses; one that kept what it verified looks at the last entry alone.
// Whoever joins refuses what does not begin as their organization does (attacks
// 1 to 4, 6, 8, 13, 15, 16, 18, 37, 39, 58).
func TestTamperedWorldLog(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	truth, all := w.views(t), w.v.Entries
	eve, mallory := w.f.People["eve"].Me.Keys(), workspacetest.NewPerson(t, "mallory").Me.Keys()
	signed := func(b []byte, author *officer.DeviceID, sign func(string, []byte) []byte) []byte {
		e, err := officer.DecodeEntry(b)
		must(t, err)
		if author != nil {
			e.Author = *author
		}
		out, err := e.Sign(sign)
		must(t, err)
		return out
	}
	eveID := eve.ID()
	ways := map[string]func(list [][]byte, i int) [][]byte{
		"gone":     func(l [][]byte, i int) [][]byte { return slices.Delete(l, i, i+1) },
		"repeated": func(l [][]byte, i int) [][]byte { return slices.Insert(l, i, l[i]) },
		"swapped":  func(l [][]byte, i int) [][]byte { j := (i + 1) % len(l); l[i], l[j] = l[j], l[i]; return l },
		"signed by a stranger": func(l [][]byte, i int) [][]byte {
			l[i] = signed(l[i], nil, mallory.Sign)
			return l
		},
		"signed by an ex-member": func(l [][]byte, i int) [][]byte { l[i] = signed(l[i], &eveID, eve.Sign); return l },
	}
	for way, change := range damage {
		ways[way] = func(l [][]byte, i int) [][]byte {
			l[i] = change(bytes.Clone(l[i]), l[(i+1)%len(l)])
			return l
		}
	}
	got, who, turn, zoe := classes{}, readers(), 0, workspacetest.NewPerson(t, "zoe")
	for i := range all {
		name := who[i%len(who)]
		home := w.homes[name].Clone()
		for way, change := range ways {
			bad := w.v.clone()
			bad.Entries = change(bad.Entries, i)
			what := fmt.Sprintf("entry %d, %s", i, way)
			if _, rests := damage[way]; !rests || i > len(all)-3 || everyWay() {
				got.add(way+", kept", w.attackOn(t, what, name, truth[name], home, bad))
			}
			fresh := home.Clone()
			delete(fresh.Files, "organization.cache")
			r := w.attackOn(t, what, name, truth[name], fresh, bad)
			if got.add(way+", read anew", r); r.refused != 1 {
				t.Errorf("%s: %s takes it", what, name)
			}
			if turn++; turn%4 != 0 && !everyWay() {
				continue
			}
			p := *zoe
			p.Home = &workspacetest.Local{}
			_, err := workspace.Join(t.Context(), p.Config(bad), w.f.ID)
			if ends := i == len(all)-1 && way == "gone"; (err == nil) != ends || !ends && !errors.Is(err, workspace.ErrLog) {
				t.Errorf("%s: zoe joins: %v", what, err)
			}
		}
		same(t, fmt.Sprintf("entry %d, %s", i, name), truth[name], w.look(t, name, w.v.clone(), home))
	}
	got.report(t)
}

// TestWorldServedInPart serves every beginning of the log. Who has seen more
// refuses; who has not sees the firm as it was, and of values what is right
// (attacks 11, 50, 58).
func TestWorldServedInPart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	truth := w.views(t)
	got := classes{}
	for n := range w.v.Entries {
		bad := w.v.clone()
		bad.Entries = bad.Entries[:n]
		name := readers()[n%len(readers())]
		for _, kept := range []bool{true, false} {
			home := w.homes[name].Clone()
			if !kept {
				delete(home.Files, "organization.cache")
			}
			p := *w.f.People[name]
			p.Home = home
			if _, err := workspace.Open(t.Context(), p.Config(bad)); !errors.Is(err, workspace.ErrRollback) {
				t.Errorf("%d entries, kept %v: %s: %v", n, kept, name, err)
			}
			got.add("who has seen more", w.attackOn(t, fmt.Sprint(n, " entries"), name, truth[name], home, bad))
			if n%5 == 0 {
				same(t, fmt.Sprint(n, " entries"), truth[name], w.look(t, name, w.v.clone(), home))
			}
		}
		home := w.early[name].Clone()
		v := w.look(t, name, bad, home)
		maps.DeleteFunc(v, func(ask string, a answer) bool { // the firm as it was
			return a.err == nil && !(len(ask) > 6 && (ask[:6] == "token " || ask[:6] == "member" || ask[:6] == "field ")) && ask != "organization" && ask != "secret"
		})
		got.add("who has seen less", judge(t, fmt.Sprint(n, " entries, earlier"), truth[name], v))
		later := maps.Clone(truth[name])
		delete(later, "invited") // what the device did since
		delete(later, "invitations")
		same(t, fmt.Sprint(n, " entries, earlier"), later, w.look(t, name, w.v.clone(), home))
	}
	got.report(t)
}

// publics are all public keys that a log names, by hash.
func publics(s *officer.State) map[officer.Hash][]byte {
	all := map[officer.Hash][]byte{}
	for _, m := range s.Members() {
		for _, u := range m.UserKeys {
			all[envelope.PublicKeyHash(u.Public)] = u.Public
		}
		for _, d := range m.Devices {
			all[envelope.PublicKeyHash(s.Device(d).Record.Encryption)] = s.Device(d).Record.Encryption
		}
	}
	for _, g := range s.Groups() {
		for _, e := range g.Epochs {
			all[envelope.PublicKeyHash(e.Public)] = e.Public
		}
	}
	return all
}

// readersOf tells which devices look at an index.
func (w *world) readersOf(t *testing.T, index store.Index) (who []string) {
	t.Helper()
	s := w.f.Open("alice").State()
	for _, name := range append(readers(), "omar") {
		p := w.f.People[name]
		mine := []store.Index{indexOf(p), plan.DeviceRecipient(p.Me.Keys().Record()).Index()}
		for _, g := range s.Groups() {
			for _, m := range g.Members {
				if m.Member == p.Me.Member() {
					mine = append(mine, envelope.Recipient{Kind: envelope.ToGroup, ID: g.ID[:]}.Index())
				}
			}
		}
		if slices.Contains(mine, index) {
			who = append(who, name)
		}
	}
	return who
}

// TestTamperedWorldEnvelopes alters every envelope in every way, keeps it back,
// files it elsewhere, labels it anew, and puts others in its place that were made
// for it, by the store and by members (attacks 1, 9, 10, 17, 18, 61).
func TestTamperedWorldEnvelopes(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	truth, known := w.views(t), publics(w.f.Open("alice").State())
	bob, mallory := w.f.People["bob"].Me.Keys(), workspacetest.NewPerson(t, "mallory").Me.Keys()
	made := func(b []byte, by envelope.Signer) []byte {
		e, err := envelope.Parse(b)
		must(t, err)
		c := e.Claims()
		key, err := datakey.Generate(c.Context)
		must(t, err)
		out, err := envelope.Seal(key, c.Recipient, known[c.Recipient.Key], by)
		must(t, err)
		return out
	}
	labelled := func(b []byte, change func(*envelope.Info)) []byte {
		var raw rawEnvelope
		must(t, wire.Unmarshal(b, &raw, wire.MaxEnvelope))
		e, err := envelope.Parse(b)
		must(t, err)
		c := e.Claims()
		change(&c)
		raw.Info = c.Encode()
		return wire.MustMarshal(raw)
	}
	ways := map[string]func(b []byte) []byte{
		"forged":                 func(b []byte) []byte { return junk(t, b, 7, nil) },
		"forged by a member":     func(b []byte) []byte { return junk(t, b, 7, bob) },
		"made by a stranger":     func(b []byte) []byte { return made(b, mallory) },
		"made by a member":       func(b []byte) []byte { return made(b, bob) },
		"labelled another epoch": func(b []byte) []byte { return labelled(b, func(c *envelope.Info) { c.Context.Epoch++ }) },
		"labelled another key": func(b []byte) []byte {
			return labelled(b, func(c *envelope.Info) {
				c.Context.Resource = bytes.Clone(c.Context.Resource)
				c.Context.Resource[0] ^= 1
			})
		},
		"labelled another sender": func(b []byte) []byte { return labelled(b, func(c *envelope.Info) { c.Sender = mallory.ID() }) },
		"labelled another commitment": func(b []byte) []byte {
			return labelled(b, func(c *envelope.Info) { c.Commitment[0] ^= 1 })
		},
	}
	for way, change := range damage {
		ways[way] = func(b []byte) []byte { return change(bytes.Clone(b), w.v.Envelopes[indexOf(w.f.People["eve"])][0]) }
	}
	got, order, turn := classes{}, slices.Sorted(maps.Keys(ways)), 0
	places := slices.DeleteFunc(indexes(w.v.Envelopes), func(i store.Index) bool { return len(w.v.Envelopes[i]) == 0 })
	for n, index := range places {
		who := w.readersOf(t, index)
		if len(who) == 0 {
			continue // of who is gone
		}
		other := places[(n+1)%len(places)]
		for _, way := range order { // all of them, or the history makes up for one
			bad := w.v.clone()
			for i, b := range bad.Envelopes[index] {
				bad.Envelopes[index][i] = ways[way](b)
			}
			name := who[0]
			got.add("all: "+way, w.attackOn(t, fmt.Sprintf("envelopes of %d, %s", n, way), name, truth[name], w.homes[name].Clone(), bad))
		}
		for i, b := range w.v.Envelopes[index] {
			name := who[i%len(who)]
			home := w.homes[name].Clone()
			attack := func(way string, change func(bad *vault)) {
				bad := w.v.clone()
				change(bad)
				got.add(way, w.attackOn(t, fmt.Sprintf("envelope %d of %d, %s", i, n, way), name, truth[name], home, bad))
			}
			for range order {
				way := order[turn%len(order)]
				turn++
				attack(way, func(bad *vault) { bad.Envelopes[index][i] = ways[way](b) })
				if turn%2 == 0 && !everyWay() {
					break
				}
			}
			attack("filed elsewhere", func(bad *vault) {
				bad.Envelopes[index] = slices.Delete(bad.Envelopes[index], i, i+1)
				bad.Envelopes[other] = append(bad.Envelopes[other], b)
			})
			same(t, fmt.Sprintf("envelope %d of %d, %s", i, n, name), truth[name], w.look(t, name, w.v.clone(), home))
		}
	}
	var harmless []string // one of many, for which the history makes up
	for class, r := range got {
		if r.refused == 0 && !strings.HasPrefix(class, "all: ") {
			harmless = append(harmless, class)
		}
	}
	got.report(t, harmless...)
}

// TestWorldServedOtherwise serves everything in other orders, to others, many
// times over, or to nobody, and what another organization's store holds.
func TestWorldServedOtherwise(t *testing.T) {
	t.Parallel()
	w, foreign := newWorld(t), newWorld(t)
	truth := w.views(t)
	var all [][]byte
	for _, i := range indexes(w.v.Envelopes) {
		all = append(all, w.v.Envelopes[i]...)
	}
	each := func(change func(list [][]byte) [][]byte) func(*vault) {
		return func(bad *vault) {
			for i, list := range bad.Envelopes {
				bad.Envelopes[i] = change(list)
			}
		}
	}
	ways := map[string]func(bad *vault){
		"backwards":    each(func(l [][]byte) [][]byte { slices.Reverse(l); return l }),
		"to everybody": each(func(l [][]byte) [][]byte { return append(l, all...) }),
		"flooded": each(func(l [][]byte) (out [][]byte) {
			for _, b := range l {
				for n := range 20 {
					out = append(out, junk(t, b, n, nil))
				}
				out = append(out, b)
			}
			return out
		}),
		"to nobody":           each(func([][]byte) [][]byte { return nil }),
		"the first half":      each(func(l [][]byte) [][]byte { return l[:len(l)/2] }),
		"the second half":     each(func(l [][]byte) [][]byte { return l[len(l)/2:] }),
		"one index further":   rotated,
		"another's log":       func(bad *vault) { bad.Entries = foreign.v.Entries },
		"another's beginning": func(bad *vault) { bad.Entries[0] = foreign.v.Entries[0] },
		"another's envelopes": func(bad *vault) { maps.Copy(bad.Envelopes, foreign.v.Envelopes) },
		"another's of the same kind": func(bad *vault) {
			for n, i := range indexes(bad.Envelopes) {
				others := indexes(foreign.v.Envelopes)
				bad.Envelopes[i] = append(foreign.v.Envelopes[others[n%len(others)]], bad.Envelopes[i]...)
			}
		},
	}
	got := classes{}
	for way, change := range ways {
		for _, name := range append(readers(), "omar") {
			home := w.homes[name].Clone()
			delete(home.Files, "organization.cache")
			bad := w.v.clone()
			change(bad)
			got.add(way, w.attackOn(t, way, name, truth[name], home, bad))
			same(t, way+", "+name, truth[name], w.look(t, name, w.v.clone(), home))
		}
	}
	got.report(t, "backwards", "to everybody", "flooded", "another's envelopes", "another's of the same kind")
}

// rotated files everything under the next index.
func rotated(bad *vault) {
	places, old := indexes(bad.Envelopes), maps.Clone(bad.Envelopes)
	for n, i := range places {
		bad.Envelopes[i] = old[places[(n+1)%len(places)]]
	}
}
