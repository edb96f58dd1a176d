package officer

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/underseal/underseal/internal/wire"
)

// lazyResource is a resource that may still be in its cached encoding: a log
// has many resources, and most commands look at a few.
type lazyResource struct {
	raw   []byte
	value atomic.Pointer[Resource]
	owned bool // held by one state that nobody has seen yet
}

func ownedResource(r *Resource) *lazyResource {
	l := &lazyResource{owned: true}
	l.value.Store(r)
	return l
}

func (l *lazyResource) get() *Resource {
	if r := l.value.Load(); r != nil {
		return r
	}
	r := new(Resource)
	if err := wire.Unmarshal(l.raw, r, maxCache); err != nil {
		// The cache was authentic and of this layout: a fault of this program.
		panic(fmt.Sprintf("officer: authentic cache does not decode: %v", err))
	}
	l.value.Store(r)
	return r
}

func (l *lazyResource) clone() *lazyResource {
	c := &lazyResource{raw: l.raw}
	c.value.Store(l.value.Load())
	return c
}

// own returns the resource for changing; shared data is copied first.
func (l *lazyResource) own() *Resource {
	r := l.get()
	if !l.owned {
		n := *r
		n.Epochs = slices.Clone(r.Epochs)
		n.Grants = slices.Clone(r.Grants)
		r, l.owned, l.raw = &n, true, nil
		l.value.Store(r)
	}
	return r
}

func (l *lazyResource) encode() []byte {
	if r := l.value.Load(); r != nil {
		return wire.MustMarshal(r)
	}
	return l.raw
}

// cacheLayout changes whenever the layout below or a type in it does; a cache
// of another layout is thrown away and the log is verified from genesis.
const cacheLayout = "underseal state cache 1"

// maxCache bounds a cache: a log of a million operations stays below.
const maxCache = 1 << 30

type cacheWire struct {
	_            struct{} `cbor:",toarray"`
	Layout       string
	Organization OrganizationID
	Length       uint64
	Hash         Hash
	HeadTime     uint64
	Name         Hash
	Directory    []byte
	Members      []byte // id ‖ length (4 bytes, big-endian) ‖ CBOR, repeated; so are the next four
	Devices      []byte
	Resources    []byte
	Bindings     []byte
	Openings     []byte
	KeyIDs       []byte // 8 bytes each
	Invites      []byte // 32 bytes each
	Texts        []byte // 32 bytes each
}

// EncodeCache writes the verified state, for [DecodeCache]. It is not
// self-protecting: the caller keeps it under a MAC of its own device and never
// in the store.
func (s *State) EncodeCache() []byte {
	w := cacheWire{
		Layout: cacheLayout, Organization: s.org, Length: s.head.Length, Hash: s.head.Hash,
		HeadTime: uint64(max(s.headTime.Unix(), 0)), Name: s.name,
	}
	if s.hasDir {
		w.Directory = s.directory[:]
	}
	for id, m := range s.members {
		w.Members = appendItem(w.Members, id[:], wire.MustMarshal(m))
	}
	for id, d := range s.devices {
		w.Devices = appendItem(w.Devices, id[:], wire.MustMarshal(d))
	}
	for id, r := range s.resources {
		w.Resources = appendItem(w.Resources, id[:], r.encode())
	}
	for b, id := range s.bindings {
		w.Bindings = appendItem(w.Bindings, id[:], wire.MustMarshal(b))
	}
	for h, o := range s.openings {
		w.Openings = appendItem(w.Openings, h[:], o)
	}
	for id := range s.keyIDs {
		w.KeyIDs = append(w.KeyIDs, id[:]...)
	}
	for h := range s.invites {
		w.Invites = append(w.Invites, h[:]...)
	}
	for h := range s.texts {
		w.Texts = append(w.Texts, h[:]...)
	}
	return wire.MustMarshal(w)
}

// DecodeCache reads what EncodeCache wrote; the caller has checked its MAC.
// An error means: verify from genesis.
func DecodeCache(b []byte) (*State, error) {
	var w cacheWire
	if err := wire.Unmarshal(b, &w, maxCache); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCache, err)
	}
	if w.Layout != cacheLayout {
		return nil, fmt.Errorf("%w: another layout", ErrCache)
	}
	s := newState()
	s.org, s.head, s.name = w.Organization, Head{Length: w.Length, Hash: w.Hash}, w.Name
	s.headTime = time.Unix(int64(min(w.HeadTime, maxTime)), 0).UTC()
	if len(w.Directory) == len(s.directory) {
		s.directory, s.hasDir = ResourceID(w.Directory), true
	}
	for _, list := range []struct {
		items   []byte
		keySize int
		put     func(key, item []byte) error
	}{
		{w.Members, len(MemberID{}), func(id, item []byte) error {
			m := new(Member)
			s.members[MemberID(id)] = m
			return wire.Unmarshal(item, m, maxCache)
		}},
		{w.Devices, len(DeviceID{}), func(id, item []byte) error {
			d := new(Device)
			s.devices[DeviceID(id)] = d
			return wire.Unmarshal(item, d, maxCache)
		}},
		{w.Resources, len(ResourceID{}), func(id, item []byte) error {
			s.resources[ResourceID(id)] = &lazyResource{raw: item}
			return nil
		}},
		{w.Bindings, len(ResourceID{}), func(id, item []byte) error {
			var b Binding
			err := wire.Unmarshal(item, &b, maxCache)
			s.bindings[b] = ResourceID(id)
			return err
		}},
		{w.Openings, len(Hash{}), func(h, item []byte) error {
			s.openings[Hash(h)] = item
			return nil
		}},
	} {
		if err := eachItem(list.items, list.keySize, list.put); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCache, err)
		}
	}
	for b := w.KeyIDs; len(b) >= 8; b = b[8:] {
		s.keyIDs[[8]byte(b)] = struct{}{}
	}
	for b := w.Invites; len(b) >= 32; b = b[32:] {
		s.invites[Hash(b)] = struct{}{}
	}
	for b := w.Texts; len(b) >= 32; b = b[32:] {
		s.texts[Hash(b)] = struct{}{}
	}
	return s, nil
}

func appendItem(dst, key, value []byte) []byte {
	n := len(value)
	dst = append(dst, key...)
	dst = append(dst, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	return append(dst, value...)
}

var errCutShort = errors.New("cut short")

func eachItem(b []byte, keySize int, f func(key, value []byte) error) error {
	for len(b) > 0 {
		if len(b) < keySize+4 {
			return errCutShort
		}
		key, l := b[:keySize], b[keySize:keySize+4]
		n := int(l[0])<<24 | int(l[1])<<16 | int(l[2])<<8 | int(l[3])
		b = b[keySize+4:]
		if n < 0 || n > len(b) {
			return errCutShort
		}
		if err := f(key, b[:n:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
