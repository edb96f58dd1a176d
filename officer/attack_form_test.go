package officer_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// anyOp is an operation of any number with any fields.
type anyOp struct {
	number officer.OpKind
	A      any `cbor:"1,keyasint,omitempty"`
	B      any `cbor:"2,keyasint,omitempty"`
	C      any `cbor:"3,keyasint,omitempty"`
	D      any `cbor:"4,keyasint,omitempty"`
	E      any `cbor:"5,keyasint,omitempty"`
	F      any `cbor:"6,keyasint,omitempty"`
	G      any `cbor:"7,keyasint,omitempty"`
}

func (o *anyOp) Kind() officer.OpKind { return o.number }

// Attack 37: formats, operations and numbers that this program does not know.
func TestAttack37Unknown(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do("alice: create folder case; add bob as member")
	id := o.ResourceID("new")
	created := func(change func(*anyOp)) *anyOp {
		op := &anyOp{number: officer.OpKeyCreated, A: id, B: 1, C: []any{"x", "", "", ""}, D: officer.Hash{1}, E: officer.Hash{2}}
		change(op)
		return op
	}
	accepted(t, "an operation", o.Fork().TryOps("alice", created(func(*anyOp) {})))
	for name, op := range map[string]*anyOp{
		"20":  {number: 20, A: id},
		"255": {number: 255},
		"0":   {},
	} {
		err := o.TryOps("alice", op)
		refused(t, "operation "+name, err, officer.ErrUnknownOp)
		if ee, ok := errors.AsType[*officer.EntryError](err); !ok || ee.Operation != 0 || ee.Kind != "operation "+name || ee.Sequence != 2 {
			t.Errorf("operation %s is not named: %v", name, err)
		}
	}
	for name, change := range map[string]func(*anyOp){
		"an unknown field":         func(op *anyOp) { op.G = 1 },
		"a field missing":          func(op *anyOp) { op.E = nil },
		"a field of another type":  func(op *anyOp) { op.B = "field" },
		"a kind above 255":         func(op *anyOp) { op.B = 257 },
		"kind 0":                   func(op *anyOp) { op.B = 0 },
		"kind group":               func(op *anyOp) { op.B = 4 },
		"kind user":                func(op *anyOp) { op.B = 5 },
		"kind 6":                   func(op *anyOp) { op.B = 6 },
		"a public key for a field": func(op *anyOp) { op.F = o.Person("bob").PrivateKey(o.ID, 7).Public() },
		"a short resource":         func(op *anyOp) { op.A = id[:15] },
		"a long commitment":        func(op *anyOp) { op.D = make([]byte, 33) },
		"a binding of three parts": func(op *anyOp) { op.C = []any{"x", "", ""} },
		"a binding of five parts":  func(op *anyOp) { op.C = []any{"x", "", "", "", ""} },
		"a binding of nothing":     func(op *anyOp) { op.C = []any{"", "", "", ""} },
		"a binding too long":       func(op *anyOp) { op.C = []any{"x", "", "", strings.Repeat("x", wire.MaxBinding+1)} },
	} {
		refused(t, name, o.TryOps("alice", created(change)), officer.ErrOperation)
	}
	bob := o.Person("bob").Principal()
	for name, op := range map[string]*anyOp{
		"a group's id":        {number: officer.OpGrant, A: o.ResourceID("case"), B: []any{2, make([]byte, 15)}, C: 1},
		"a kind of principal": {number: officer.OpGrant, A: o.ResourceID("case"), B: []any{3, bob.ID}, C: 1},
		"a principal's id":    {number: officer.OpGrant, A: o.ResourceID("case"), B: []any{1, bob.ID[:31]}, C: 1},
	} {
		refused(t, name, o.TryOps("alice", op), officer.ErrOperation)
	}
	for _, rights := range []int{2, 4, 6, 8, 9, 255} {
		op := &anyOp{number: officer.OpGrant, A: o.ResourceID("case"), B: bob, C: rights}
		refused(t, fmt.Sprint("rights ", rights), o.TryOps("alice", op), officer.ErrRights)
	}
	card := officertest.NewPerson("carol").File.Card.Bytes()
	for _, role := range []int{0, 4, 255} {
		refused(t, fmt.Sprint("role ", role), o.TryOps("alice", &officer.MemberAdded{Card: card, Role: officer.Role(role)}), officer.ErrRole)
	}
	for name, op := range map[string]*officer.MemberAdded{
		"a member who expires":  {Card: card, Role: officer.RoleMember, Expires: 1},
		"an officer who does":   {Card: card, Role: officer.RoleOfficer, Expires: 1},
		"a short invitation":    {Card: card, Role: officer.RoleMember, Invite: make([]byte, 31)},
		"a long invitation":     {Card: card, Role: officer.RoleMember, Invite: make([]byte, 33)},
		"a previous card":       {Card: append([]byte{0x83, 0}, card[2:]...), Role: officer.RoleMember},
		"a card to come":        {Card: append([]byte{0x83, 2}, card[2:]...), Role: officer.RoleMember},
		"no card":               {Role: officer.RoleMember},
		"a card and a byte":     {Card: append(slices.Clone(card), 0), Role: officer.RoleMember},
		"a card that is cut":    {Card: card[:len(card)-1], Role: officer.RoleMember},
		"a card too long":       {Card: make([]byte, wire.MaxCard+1), Role: officer.RoleMember},
		"a changed card":        {Card: bytes.Replace(card, officertest.NewPerson("carol").File.Card.UserKey()[:8], make([]byte, 8), 1), Role: officer.RoleMember},
		"a guest without a sum": {Card: card[:20], Role: officer.RoleGuest},
	} {
		want := officer.ErrCard
		if bytes.Equal(op.Card, card) {
			want = officer.ErrOperation
		}
		refused(t, name, o.TryOps("alice", op), want)
	}
	entry := o.Write("alice: create folder other")
	for _, v := range []byte{2, 23} {
		newer := slices.Clone(entry)
		newer[1] = v
		_, err := officer.DecodeEntry(newer)
		if ve, ok := errors.AsType[*wire.VersionError](err); !ok || ve.Version != uint64(v) {
			t.Errorf("version %d is not named: %v", v, err)
		}
		if ee, ok := errors.AsType[*officer.EntryError](o.Append(newer)); !ok || !errors.As(ee, new(*wire.VersionError)) || ee.Sequence != 2 {
			t.Errorf("version %d: its place is not named: %v", v, ee)
		}
	}
	nobodys := slices.Clone(entry)
	nobodys[1] = 0
	refused(t, "version 0", o.Append(nobodys), wire.ErrMalformed)
	accepted(t, "the entry", o.Append(entry))
}

// bombs are encodings that ask for more than they bring.
func bombs() map[string][]byte {
	deep := bytes.Repeat([]byte{0x81}, 10_000)
	mapped := bytes.Repeat([]byte{0xa1, 0x01}, 10_000)
	many := append([]byte{0x99, 0xff, 0xff}, make([]byte, 0xffff)...)
	m := map[string][]byte{
		"nothing":                      nil,
		"one byte":                     {0x83},
		"deep arrays":                  append(deep, 0),
		"deep maps":                    append(mapped, 0),
		"a huge array":                 {0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"a huge map":                   {0xbb, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"a huge string":                {0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"a huge text":                  {0x7a, 0xff, 0xff, 0xff, 0xff},
		"65,535 numbers":               many,
		"indefinite array":             {0x9f, 1, 0xff},
		"indefinite string":            {0x5f, 0x41, 0, 0xff},
		"tags":                         append(bytes.Repeat([]byte{0xc1}, 10_000), 0),
		"floats":                       {0xfb, 0, 0, 0, 0, 0, 0, 0, 0},
		"as long as allowed":           make([]byte, wire.MaxEntry),
		"one byte longer than allowed": make([]byte, wire.MaxEntry+1),
	}
	for name, b := range m { // the same inside what starts like an entry or card
		if len(b) < wire.MaxEntry {
			m["body: "+name] = slices.Concat([]byte{0x83, 1}, wire.MustMarshal(b), wire.MustMarshal(make([]byte, 64)))
			m["raw: "+name] = slices.Concat([]byte{0x83, 1}, b, []byte{0x40})
		}
	}
	return m
}

// Attack 39: encodings that are not the one canonical form, or cost more than
// their length. Not parallel: it counts memory.
func TestAttack39Encodings(t *testing.T) {
	o := officertest.New(t, "alice")
	entry := o.Write("alice: create field phone")
	accepted(t, "the entry", o.Fork().Append(entry))
	card := o.Person("alice").File
	_, err := officer.ParseCard(card.Card.Bytes())
	accepted(t, "the card", err)

	for name, b := range bombs() {
		for what, read := range map[string]func([]byte) error{
			"entry":   func(b []byte) error { _, err := officer.DecodeEntry(b); return err },
			"replay":  func(b []byte) error { _, err := officer.Replay(officer.OrganizationOf(b), [][]byte{b}); return err },
			"card":    func(b []byte) error { _, err := officer.ParseCard(b); return err },
			"file":    func(b []byte) error { _, err := officer.DecodeCardFile(b); return err },
			"opening": func(b []byte) error { _, err := officer.DecodeOpening(b, officer.Hash{}); return err },
			"pem": func(b []byte) error {
				_, err := officer.DecodeCardFile([]byte("-----BEGIN UNDERSEAL CARD-----\n" + base64.StdEncoding.EncodeToString(b) + "\n-----END UNDERSEAL CARD-----\n"))
				return err
			},
		} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := read(b)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Errorf("%s as %s: accepted", name, what)
			}
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 8*wire.MaxEntry {
				t.Errorf("%s as %s: took %d bytes", name, what, spent)
			}
		}
	}
	notCanonical(t, entry, func(b []byte) error { _, err := officer.DecodeEntry(b); return err })
	notCanonical(t, card.Card.Bytes(), func(b []byte) error { _, err := officer.ParseCard(b); return err })
}

// notCanonical reads other encodings of the same values.
func notCanonical(t *testing.T, b []byte, read func([]byte) error) {
	t.Helper()
	var parts []any
	if err := wire.Unmarshal(b, &parts, len(b)); err != nil {
		t.Fatal(err)
	}
	body, signature := parts[1].([]byte), parts[2].([]byte)
	outer := func(body []byte) []byte { return wire.MustMarshal([]any{1, body, signature}) }
	if !bytes.Equal(outer(body), b) {
		t.Fatal("the encoding is not what this test takes it for")
	}
	pair := slices.Concat([]byte{0x06}, wire.MustMarshal(make([]byte, 4)))
	for name, bad := range map[string][]byte{
		"a byte more":             append(slices.Clone(b), 0),
		"a byte less":             b[:len(b)-1],
		"an item more":            append([]byte{0x84}, append(b[1:len(b):len(b)], 0)...),
		"a long version":          slices.Concat([]byte{0x83, 0x18, 0x01}, b[2:]),
		"a long length":           slices.Concat([]byte{0x98, 0x03}, b[1:]),
		"a text for a string":     bytes.Replace(b, []byte{0x58, 0x40}, []byte{0x78, 0x40}, 1),
		"a body and a byte":       outer(append(slices.Clone(body), 0)),
		"an unknown field":        outer(slices.Concat([]byte{body[0] + 1}, body[1:], []byte{0x18, 0x63, 0x00})),
		"a duplicate field":       outer(slices.Concat([]byte{body[0] + 1}, body[1:], pair)),
		"a long count":            outer(slices.Concat([]byte{0xb8, body[0] & 0x1f}, body[1:])),
		"an indefinite map":       outer(slices.Concat([]byte{0xbf}, body[1:], []byte{0xff})),
		"a field less":            outer(slices.Concat([]byte{body[0] - 1}, body[1:])),
		"no signature":            wire.MustMarshal([]any{1, body, []byte{}}),
		"a null signature":        slices.Concat([]byte{0x83, 1}, wire.MustMarshal(body), []byte{0xf6}),
		"a signature and a byte":  wire.MustMarshal([]any{1, body, append(slices.Clone(signature), 0)}),
		"half a signature":        wire.MustMarshal([]any{1, body, signature[:32]}),
		"body and signature swap": wire.MustMarshal([]any{1, signature, body}),
	} {
		// A signature of another length is a matter of verification for entries.
		if err := read(bad); err == nil && !strings.Contains(name, "signature") {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Attack 41: keys that the libraries take and a protocol must not.
func TestAttack41MalformedKeys(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do("alice: create folder case")
	good := o.Person("mallory").PrivateKey(o.ID, 9).Public()
	kem := malformedKEM(good)
	for name, key := range kem {
		refused(t, "check: "+name, pubkey.CheckKEM(key), pubkey.ErrKey)
	}
	operations := map[string]func(key []byte) officer.Operation{
		"user key": func(key []byte) officer.Operation {
			op := o.Op("rotate user alice").(*officer.UserKeyRotated)
			op.Public = key
			return op
		},
		"folder": func(key []byte) officer.Operation {
			op := o.Op("create folder new").(*officer.KeyCreated)
			op.Public = key
			return op
		},
		"epoch": func(key []byte) officer.Operation {
			op := o.Op("rotate case").(*officer.KeyRotated)
			op.Public = key
			return op
		},
	}
	for what, op := range operations {
		accepted(t, what, o.Fork().TryOps("alice", op(good)))
		for name, key := range kem {
			refused(t, what+": "+name, o.Fork().TryOps("alice", op(key)), officer.ErrKey)
		}
	}

	d := officertest.NewDevice("mallory", "phone")
	addDevice := func(r officer.DeviceRecord) error {
		d.Record = r
		return o.Fork().TryOps("alice", &officer.DeviceAdded{Member: o.Person("alice").ID(), Device: r.Encode(), Acceptance: d.Accept(o.ID, o.Person("alice").ID())})
	}
	newCard := func(user []byte, r officer.DeviceRecord) error {
		_, err := officer.NewCard(user, officer.Hash{1}, r, officer.Hash{2}, officer.Hash{3}, d.Sign)
		return err
	}
	record := d.Record
	accepted(t, "device", addDevice(record))
	accepted(t, "card", newCard(good, record))
	for name, key := range kem {
		refused(t, "card: "+name, newCard(key, record), officer.ErrCard)
		bad := record
		bad.Encryption = key
		refused(t, "device: "+name, addDevice(bad), pubkey.ErrKey)
		refused(t, "card's device: "+name, newCard(good, bad), pubkey.ErrKey)
	}
	for name, key := range malformedSigning() {
		for what, set := range map[string]func(*officer.DeviceRecord){
			"signing": func(r *officer.DeviceRecord) { r.Signing = key },
			"sign-in": func(r *officer.DeviceRecord) { r.SignIn = key },
		} {
			bad := record
			set(&bad)
			refused(t, what+": "+name, addDevice(bad), pubkey.ErrKey)
			refused(t, "card's "+what+": "+name, newCard(good, bad), pubkey.ErrKey)
		}
	}
	for name, change := range map[string]func(*officer.DeviceRecord){
		"one key for both":      func(r *officer.DeviceRecord) { r.SignIn = r.Signing },
		"kind 0":                func(r *officer.DeviceRecord) { r.Kind = 0 },
		"an unknown kind":       func(r *officer.DeviceRecord) { r.Kind = 4 },
		"another's signing key": func(r *officer.DeviceRecord) { r.Signing = o.Author("alice").Record.Signing },
	} {
		bad := record
		change(&bad)
		if addDevice(bad) == nil || newCard(good, bad) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	refused(t, "one key for user and device", newCard(record.Encryption, record), officer.ErrCard)
}

func malformedKEM(good []byte) map[string][]byte {
	with := func(point string) []byte {
		p, err := hex.DecodeString(point)
		if err != nil {
			panic(err)
		}
		return slices.Concat(good[:len(good)-32], p)
	}
	notReduced := slices.Clone(good)
	copy(notReduced, []byte{0xff, 0xff, 0xff})
	ff := strings.Repeat("ff", 30)
	return map[string][]byte{
		"nothing":             nil,
		"too short":           good[:len(good)-1],
		"too long":            append(slices.Clone(good), 0),
		"ml-kem not reduced":  notReduced,
		"x25519 zero":         with(strings.Repeat("00", 32)),
		"x25519 one":          with("01" + strings.Repeat("00", 31)),
		"x25519 order 8":      with("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
		"x25519 order 8, too": with("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
		"x25519 p - 1":        with("ec" + ff + "7f"),
		"x25519 p":            with("ed" + ff + "7f"),
		"x25519 p + 1":        with("ee" + ff + "7f"),
		"x25519 p + 9":        with("f6" + ff + "7f"),
		"x25519 top bit":      with("09" + strings.Repeat("00", 30) + "80"),
	}
}

func malformedSigning() map[string][]byte {
	keys := map[string][]byte{"nothing": nil, "too short": make([]byte, 31), "too long": make([]byte, 33)}
	for name, h := range map[string]string{
		"identity":                "01" + strings.Repeat("00", 31),
		"identity, not canonical": "01" + strings.Repeat("00", 30) + "80",
		"order 2":                 "ec" + strings.Repeat("ff", 30) + "7f",
		"order 4":                 strings.Repeat("00", 32),
		"order 8":                 "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"not canonical":           "ee" + strings.Repeat("ff", 30) + "7f",
		"not on the curve":        "02" + strings.Repeat("00", 31),
		// The base point plus a point of order 2.
		"torsion": "95" + strings.Repeat("99", 30) + "19",
	} {
		b, err := hex.DecodeString(h)
		if err != nil {
			panic(err)
		}
		keys[name] = b
	}
	return keys
}

// Attack 64: whoever has the log reads names in it. It holds commitments.
func TestAttack64NoTextInLog(t *testing.T) {
	t.Parallel()
	o := officertest.NewWith(t, "theodora", "Marchbanks and Partners").Do(
		"theodora: create directory catalogue; file organization under catalogue; file theodora.name under catalogue",
		"theodora: add bartholomew as member; grant catalogue to bartholomew r; file bartholomew.name under catalogue; file bartholomew.email under catalogue",
		"theodora: create field settlement; create folder wainwright; file settlement.label under settlement; file wainwright.label under catalogue",
		"bartholomew: add device bartholomew/typewriter",
		"theodora: file bartholomew/typewriter under catalogue; grant settlement to bartholomew r",
		"theodora: revoke settlement from bartholomew; rotate settlement",
	)
	texts := []string{"theodora", "bartholomew", "example.com", "Marchbanks", "Partners", "catalogue", "settlement", "wainwright", "typewriter"}
	log := bytes.ToLower(bytes.Join(o.Log, nil))
	for _, text := range texts {
		for how, b := range written(text) {
			if bytes.Contains(log, bytes.ToLower(b)) {
				t.Errorf("the log holds %q as %s", text, how)
			}
		}
	}
	// The search finds what is there: a card file is for whoever may know.
	file := bytes.ToLower(wire.MustMarshal([]any{o.Person("bartholomew").File.Name, o.Person("bartholomew").File.Email}))
	for _, text := range []string{"bartholomew", "example.com"} {
		if !bytes.Contains(file, []byte(text)) {
			t.Errorf("%q is not found where it is", text)
		}
	}
	// Nor does a length tell one short text from another.
	if a, b := len(officertest.NewOpening(officer.TextName, "Al").Encode()), len(officertest.NewOpening(officer.TextName, "Bartholomew M.").Encode()); a != b {
		t.Errorf("openings of %d and %d bytes", a, b)
	}
}

// written are ways in which a text may stand in bytes.
func written(text string) map[string][]byte {
	wide := utf16.Encode([]rune(text))
	le, be := make([]byte, 0, 2*len(wide)), make([]byte, 0, 2*len(wide))
	for _, u := range wide {
		le, be = append(le, byte(u), byte(u>>8)), append(be, byte(u>>8), byte(u))
	}
	return map[string][]byte{
		"text": []byte(text), "utf-16le": le, "utf-16be": be, "hex": []byte(hex.EncodeToString([]byte(text))),
		"base64": []byte(base64.RawStdEncoding.EncodeToString([]byte(text))[:len(text)]),
	}
}

// Every single changed bit of a log is refused, whether or not the reader has
// pinned the organization.
func TestBitFlips(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do("alice: create field phone", "alice: rotate phone; file phone.label under phone@2")
	accepted(t, "replay", replays(o.ID, o.Log))
	genesis, err := officer.Replay(o.ID, o.Log[:1])
	accepted(t, "genesis", err)

	// Every so many bits: of genesis, whose card takes most of the time, and of
	// the entries after it.
	first, rest := 13, 1
	switch {
	case os.Getenv("UNDERSEAL_LONG") != "":
		first = 1
	case testing.Short():
		first, rest = 131, 7
	}
	for i, entry := range o.Log {
		flip := slices.Clone(entry)
		for bit := range 8 * len(entry) {
			flip[bit/8] ^= 1 << (bit % 8)
			err = officer.ErrSignature // of the bits that are left out
			switch {
			case i > 0 && bit%rest == 0:
				_, err = genesis.Apply(slices.Concat(o.Log[1:i], [][]byte{flip}, o.Log[i+1:])...)
			case i == 0 && bit%first == 0:
				err = replays(officer.OrganizationOf(flip), [][]byte{flip, o.Log[1], o.Log[2]})
				refused(t, "pinned", replays(o.ID, [][]byte{flip}), officer.ErrOrganization)
			}
			if err == nil {
				t.Errorf("entry %d, bit %d: accepted", i, bit)
			}
			flip[bit/8] ^= 1 << (bit % 8)
		}
	}
}
