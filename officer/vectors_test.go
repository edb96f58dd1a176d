package officer_test

import (
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

type logVector struct {
	Name, Kind, Rule string

	Organization vectortest.Hex
	Log, Blobs   []string
	State        *vectorState

	Resource       vectortest.Hex
	Epoch          uint64
	Group, Member  vectortest.Hex
	Key            vectortest.Hex `json:"recipient_key"`
	Device, Sender vectortest.Hex
	Index          uint64
	Officer        vectortest.Hex
}

// vectorState is written out by hand in the generator.
type vectorState struct {
	Length                uint64
	Head, Name, Directory vectortest.Hex

	Members []struct {
		ID, Name, Email vectortest.Hex
		Role, Expires   uint64
		UserKeys        []struct{ Commitment, Author vectortest.Hex } `json:"user_keys"`
		Closed, Removed bool
		Devices         []struct {
			ID      vectortest.Hex
			Removed bool
		}
		Enrolments []vectorEnrolment
	}
	Requests  []vectorRequest
	Resources []struct {
		ID, Label vectortest.Hex
		Kind      uint64
		Ended     bool
		Epochs    []struct {
			Commitment, Author vectortest.Hex
			Closed             bool
		}
		Grants []struct {
			Member, Group vectortest.Hex
			Rights        uint64
			Senders       vectorSenders
			Helpers       vectorSenders
		}
	}
	Policy []uint64
	Groups []struct {
		ID, Label vectortest.Hex
		Epochs    []struct {
			Commitment, Author vectortest.Hex
			Closed             bool
		}
		Members []struct {
			Member  vectortest.Hex
			Rights  uint64
			Senders vectorSenders
			Helpers vectorSenders
		}
	}
	Openings []struct {
		Text, Resource vectortest.Hex
		Epoch          uint64
	}
}

type vectorSenders []struct {
	Device vectortest.Hex
	Epoch  uint64
}

func (list vectorSenders) are(t *testing.T, got []officer.Sender) bool {
	t.Helper()
	want := []officer.Sender{}
	for _, s := range list {
		want = append(want, officer.Sender{Device: vectortest.Array[officer.DeviceID](t, s.Device), Epoch: s.Epoch})
	}
	return slices.Equal(got, want)
}

func newer(err error) bool { _, ok := errors.AsType[*wire.VersionError](err); return ok }

func malformed(err error) bool {
	return errors.Is(err, wire.ErrMalformed) || errors.Is(err, wire.ErrTooLarge)
}

// atEntry is the class of errors about an entry as a whole that wrap target.
func atEntry(target error) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*officer.EntryError](err)
		return ok && e.Operation == -1 && errors.Is(err, target)
	}
}

// atOperation is the class of errors about an operation that wrap target.
func atOperation(target error) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*officer.EntryError](err)
		return ok && e.Operation >= 0 && e.Kind != "" && errors.Is(err, target)
	}
}

// TestLogVectors replays every log of testdata/vectors/log*.json, which were
// made without this package.
func TestLogVectors(t *testing.T) {
	t.Parallel()
	var rules []string
	for _, name := range []string{"log", "log-groups", "log-members", "log-recovery"} {
		file := vectortest.Load[logVector](t, name)
		for _, v := range file.Vectors {
			if v.Kind == "escrow" { // officer/plan opens those
				continue
			}
			rules = append(rules, v.Rule)
			t.Run(v.Kind+" "+v.Rule+": "+v.Name, func(t *testing.T) {
				t.Parallel()
				log := make([][]byte, len(v.Log))
				for i, name := range v.Log {
					b, ok := file.Entries[name]
					if !ok {
						t.Fatalf("no entry named %q", name)
					}
					log[i] = b
				}
				blobs := map[officer.Hash][]byte{}
				for _, name := range v.Blobs {
					blobs[sha256.Sum256(file.Entries[name])] = file.Entries[name]
				}
				v.check(t, log, func(name officer.Hash) ([]byte, error) {
					if b, ok := blobs[name]; ok {
						return b, nil
					}
					return nil, errors.New("no such blob")
				})
			})
		}
	}
	logClasses().Used(t, rules)
}

func logClasses() vectortest.Classes {
	return vectortest.Classes{
		"L-1":  malformed,
		"L-2":  newer,
		"L-3":  atEntry(wire.ErrMalformed),
		"L-4":  atOperation(officer.ErrUnknownOp),
		"L-5":  atOperation(officer.ErrOperation),
		"L-6":  atEntry(officer.ErrChain),
		"L-7":  atEntry(officer.ErrOrganization),
		"L-8":  atEntry(officer.ErrGenesis),
		"L-9":  atEntry(officer.ErrAuthor),
		"L-10": atEntry(officer.ErrSignature),
		"L-11": atOperation(officer.ErrAuthority),
		"L-12": atOperation(officer.ErrCard),
		"L-13": atOperation(officer.ErrRole),
		"L-14": atOperation(officer.ErrDuplicate),
		"L-15": atOperation(officer.ErrUnknown),
		"L-16": atOperation(officer.ErrEpoch),
		"L-17": atOperation(officer.ErrRights),
		"L-18": func(err error) bool { return atOperation(officer.ErrClosed)(err) || atOperation(officer.ErrEnded)(err) },
		"L-19": atOperation(officer.ErrKey),
		"L-20": vectortest.Is(officer.ErrIncomplete),
		"L-21": vectortest.Is(officer.ErrLast),
		"L-22": vectortest.Is(officer.ErrEmpty),
		"L-23": vectortest.Is(officer.ErrUnknown),
		"L-24": vectortest.Is(officer.ErrEpoch),
		"L-25": vectortest.Is(officer.ErrRights),
		"L-26": vectortest.Is(officer.ErrKey),
		"L-27": vectortest.Is(officer.ErrAuthority),
		"L-28": vectortest.Is(officer.ErrUnknown),
		"L-29": vectortest.Is(officer.ErrEpoch),
		"L-30": vectortest.Is(officer.ErrAuthority),
		"L-31": vectortest.Is(officer.ErrUnknown),
		"L-32": vectortest.Is(officer.ErrEpoch),
		"L-33": vectortest.Is(officer.ErrRights),
		"L-34": vectortest.Is(officer.ErrKey),
		"L-35": vectortest.Is(officer.ErrAuthority),
		"L-36": vectortest.Is(officer.ErrUnknown),
		"L-37": vectortest.Is(officer.ErrEpoch),
		"L-38": vectortest.Is(officer.ErrRights),
		"L-39": vectortest.Is(officer.ErrKey),
		"L-40": vectortest.Is(officer.ErrAuthority),
		"L-41": vectortest.Is(officer.ErrUnknown),
		"L-42": vectortest.Is(officer.ErrEpoch),
		"L-43": vectortest.Is(officer.ErrRights),
		"L-44": vectortest.Is(officer.ErrKey),
		"L-45": vectortest.Is(officer.ErrAuthority),
		"L-46": vectortest.Is(officer.ErrUnknown),
		"L-47": vectortest.Is(officer.ErrEpoch),
		"L-48": vectortest.Is(officer.ErrAuthority),
	}
}

func (v logVector) check(t *testing.T, log [][]byte, blobs officer.Blobs) {
	t.Helper()
	classes := logClasses()
	s, err := officer.ReplayWith(blobs, vectortest.Array[officer.OrganizationID](t, v.Organization), log)
	if v.Kind != "replay" {
		if err != nil {
			t.Fatal(err)
		}
		classes.Check(t, v.Rule, v.may(t, s))
		return
	}
	classes.Check(t, v.Rule, err)
	if v.Rule != "" && s != nil {
		t.Error("a refused log gave a state")
	}
	if v.Rule != "" && len(log) > 1 && v.Rule != "L-7" {
		// The last entry alone is at fault, also when it comes later.
		before, err := officer.Replay(vectortest.Array[officer.OrganizationID](t, v.Organization), log[:len(log)-1])
		if err != nil {
			t.Fatalf("refused without its last entry: %v", err)
		}
		_, err = before.ApplyWith(blobs, log[len(log)-1])
		classes.Check(t, v.Rule, err)
	}
	if v.State != nil {
		v.State.check(t, s)
	}
}

// may asks whether an envelope is accepted.
func (v logVector) may(t *testing.T, s *officer.State) error {
	t.Helper()
	sender := vectortest.Array[officer.DeviceID](t, v.Sender)
	if v.Kind == "re-sealed share" {
		return s.MayRecover(vectortest.Array[officer.DeviceID](t, v.Device), v.Epoch, v.Index, sender)
	}
	member := vectortest.Array[officer.MemberID](t, v.Member)
	if v.Kind == "user key" {
		return s.MayHoldUserKey(member, v.Epoch, vectortest.Array[officer.DeviceID](t, v.Device), sender)
	}
	key := vectortest.Array[officer.Hash](t, v.Key)
	switch v.Kind {
	case "share":
		return s.MayHoldShare(member, v.Epoch, v.Index, vectortest.Array[officer.MemberID](t, v.Officer), key, sender)
	case "envelope":
		return s.MayHold(vectortest.Array[officer.ResourceID](t, v.Resource), v.Epoch, member, key, sender)
	case "group envelope":
		return s.MayHoldGroup(vectortest.Array[officer.GroupID](t, v.Group), v.Epoch, member, key, sender)
	case "envelope to a group":
		return s.MayHoldThrough(vectortest.Array[officer.GroupID](t, v.Group), vectortest.Array[officer.ResourceID](t, v.Resource), v.Epoch, member, key, sender)
	default:
		t.Fatalf("kind %q", v.Kind)
		return nil
	}
}

func (w *vectorState) check(t *testing.T, s *officer.State) {
	t.Helper()
	if h := s.Head(); h.Length != w.Length || h.Hash != vectortest.Array[officer.Hash](t, w.Head) {
		t.Errorf("head %v", h)
	}
	if s.Name() != vectortest.Array[officer.Hash](t, w.Name) || s.Directory().ID != vectortest.Array[officer.ResourceID](t, w.Directory) {
		t.Errorf("name %s, directory %s", s.Name(), s.Directory().ID)
	}
	members, resources := s.Members(), s.Resources()
	if len(members) != len(w.Members) || len(resources) != len(w.Resources) {
		t.Fatalf("%d members, %d resources", len(members), len(resources))
	}
	for i, m := range w.Members {
		got := members[i]
		if got.ID != vectortest.Array[officer.MemberID](t, m.ID) || uint64(got.Role) != m.Role || got.Expires != m.Expires ||
			got.Name != vectortest.Array[officer.Hash](t, m.Name) || got.Email != vectortest.Array[officer.Hash](t, m.Email) ||
			len(got.UserKeys) != len(m.UserKeys) || got.KeyClosed != m.Closed || got.Removed != m.Removed || len(got.Devices) != len(m.Devices) {
			t.Fatalf("member %d: %+v", i, got)
		}
		for j, k := range m.UserKeys {
			var author officer.DeviceID
			copy(author[:], k.Author)
			if g := got.UserKeys[j]; g.Generation != uint64(j)+1 || g.Commitment != vectortest.Array[officer.Hash](t, k.Commitment) || g.Author != author {
				t.Errorf("member %d, user key %d: %+v", i, j+1, g)
			}
		}
		for j, d := range m.Devices {
			if id := got.Devices[j]; id != vectortest.Array[officer.DeviceID](t, d.ID) || s.Device(id).Removed != d.Removed {
				t.Errorf("member %d, device %d: %s", i, j, id)
			}
		}
		checkEnrolments(t, got.Enrolments, m.Enrolments)
	}
	checkRequests(t, s, w.Requests)
	for i, r := range w.Resources {
		got := resources[i]
		if got.ID != vectortest.Array[officer.ResourceID](t, r.ID) || got.Label != vectortest.Array[officer.Hash](t, r.Label) || uint64(got.Kind) != r.Kind || got.Ended != r.Ended || len(got.Epochs) != len(r.Epochs) || len(got.Grants) != len(r.Grants) {
			t.Fatalf("resource %d: %+v", i, got)
		}
		for j, e := range r.Epochs {
			if g := got.Epochs[j]; g.Commitment != vectortest.Array[officer.Hash](t, e.Commitment) || g.Author != vectortest.Array[officer.DeviceID](t, e.Author) || g.Closed != e.Closed {
				t.Errorf("resource %d, epoch %d: %+v", i, j+1, g)
			}
		}
		for j, g := range r.Grants {
			to := officer.Principal{Kind: officer.PrincipalMember, ID: g.Member}
			if len(g.Group) != 0 {
				to = officer.Principal{Kind: officer.PrincipalGroup, ID: g.Group}
			}
			if p := got.Grants[j].Principal; p.Kind != to.Kind || string(p.ID) != string(to.ID) || uint64(got.Grants[j].Rights) != g.Rights || !g.Senders.are(t, got.Grants[j].Senders) || !g.Helpers.are(t, got.Grants[j].Helpers) {
				t.Errorf("resource %d, grant %d: %+v", i, j, got.Grants[j])
			}
		}
	}
	w.checkGroups(t, s)
	if p := s.Policy(); len(w.Policy) != 0 && !slices.Equal(w.Policy,
		[]uint64{uint64(p.Fields), uint64(p.Folders), uint64(p.Groups), uint64(p.Guests), p.Officers, p.Recovery, p.Names}) {
		t.Errorf("policy %+v", p)
	}
	filed := map[officer.Hash]int{}
	for _, o := range w.Openings {
		text, resource := vectortest.Array[officer.Hash](t, o.Text), vectortest.Array[officer.ResourceID](t, o.Resource)
		filed[text]++
		if !slices.ContainsFunc(s.Openings(text), func(g officer.SealedOpening) bool { return g.Resource == resource && g.Epoch == o.Epoch }) {
			t.Errorf("no opening of %s under %s", text, resource)
		}
	}
	for text, n := range filed {
		if len(s.Openings(text)) != n {
			t.Errorf("openings of %s: %v", text, s.Openings(text))
		}
	}
}

func (w *vectorState) checkGroups(t *testing.T, s *officer.State) {
	t.Helper()
	groups := s.Groups()
	if len(groups) != len(w.Groups) {
		t.Fatalf("%d groups", len(groups))
	}
	for i, g := range w.Groups {
		got := groups[i]
		if got.ID != vectortest.Array[officer.GroupID](t, g.ID) || got.Label != vectortest.Array[officer.Hash](t, g.Label) || len(got.Epochs) != len(g.Epochs) || len(got.Members) != len(g.Members) {
			t.Fatalf("group %d: %+v", i, got)
		}
		for j, e := range g.Epochs {
			if x := got.Epochs[j]; x.Commitment != vectortest.Array[officer.Hash](t, e.Commitment) || x.Author != vectortest.Array[officer.DeviceID](t, e.Author) || x.Closed != e.Closed {
				t.Errorf("group %d, epoch %d: %+v", i, j+1, x)
			}
		}
		for j, m := range g.Members {
			if x := got.Members[j]; x.Member != vectortest.Array[officer.MemberID](t, m.Member) || uint64(x.Rights) != m.Rights || !m.Senders.are(t, x.Senders) || !m.Helpers.are(t, x.Helpers) {
				t.Errorf("group %d, member %d: %+v", i, j, x)
			}
		}
	}
}
