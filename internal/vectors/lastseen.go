package main

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/underseal/underseal/internal/wire"
)

// lastSeenVector is one vector of last-seen.json: of a statement, what the log
// says of the device in whose mailbox it lies and of another; or of a head.
type lastSeenVector struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Rule string `json:"rule,omitempty"`

	Organization hx `json:"organization"`
	Mailbox      hx `json:"mailbox,omitempty"` // result
	Device       hx `json:"device,omitempty"`  // whose mailbox it is
	Key          hx `json:"key,omitempty"`     // its signing key, unless it was removed
	Other        hx `json:"other,omitempty"`   // another device of the log, with its key
	OtherKey     hx `json:"other_key,omitempty"`
	Statement    hx `json:"statement,omitempty"`

	Length uint64 `json:"length"`
	Hash   hx     `json:"hash,omitempty"`
	Time   uint64 `json:"time"`

	Text   string `json:"text,omitempty"` // of a head, given
	Number string `json:"number,omitempty"`
}

func lastSeenBody(org, dev []byte, length uint64, hash []byte, time uint64) []byte {
	return fields(bstr(org), bstr(dev), num(length), bstr(hash), num(time))
}

func lastSeenVectors() []lastSeenVector {
	const latest = 253402300799
	org, hash := random("organization", 32), random("hash of a head", 32)
	own, other := newDevice("device that has seen", 1), newDevice("another device", 1)
	sign := func(d device, label string, body []byte) hx { return signed(body, d.signing.sign(label, body)) }
	var out []lastSeenVector
	add := func(rule, name string, statement []byte, change func(*lastSeenVector)) {
		v := lastSeenVector{
			Name: name, Kind: "statement", Rule: rule, Organization: org, Statement: statement,
			Mailbox: sum(wire.LabelLastSeenBox, array(bstr(org), bstr(own.id()))),
			Device:  own.id(), Key: own.signing.public(), Other: other.id(), OtherKey: other.signing.public(),
		}
		if change != nil {
			change(&v)
		}
		out = append(out, v)
	}
	good := func(length, time uint64) {
		body := lastSeenBody(org, own.id(), length, hash, time)
		add("", fmt.Sprintf("of %d entries at %d", length, time), sign(own, wire.LabelLastSeen, body), func(v *lastSeenVector) {
			v.Length, v.Hash, v.Time = length, hash, time
		})
	}
	good(42, 1772355600)
	good(1, 0)
	good(1<<63, latest)

	body := lastSeenBody(org, own.id(), 42, hash, 1772355600)
	whole := sign(own, wire.LabelLastSeen, body)
	bad := func(rule, name string, body []byte) { add(rule, name, sign(own, wire.LabelLastSeen, body), nil) }
	bad("H-1", "of no entries", lastSeenBody(org, own.id(), 0, hash, 1772355600))
	bad("H-1", "after the year 9999", lastSeenBody(org, own.id(), 42, hash, latest+1))
	bad("H-1", "a hash of 31 bytes", lastSeenBody(org, own.id(), 42, hash[1:], 1772355600))
	bad("H-1", "without a time", fields(bstr(org), bstr(own.id()), num(42), bstr(hash)))
	bad("H-1", "with one field more", fields(bstr(org), bstr(own.id()), num(42), bstr(hash), num(1772355600), num(1)))
	add("H-1", "junk", []byte("junk"), nil)
	add("H-1", "cut short", whole[:len(whole)-1], nil)
	add("H-1", "with a byte behind it", cat(whole, []byte{0}), nil)
	add("H-1", "of version 2", array(num(2), bstr(body), bstr(own.signing.sign(wire.LabelLastSeen, body))), nil)
	add("H-1", "more than 256 bytes", array(num(1), bstr(body), bstr(make([]byte, 200))), nil)
	bad("H-2", "of another organization", lastSeenBody(random("other organization", 32), own.id(), 42, hash, 1772355600))
	add("H-3", "of a device that was removed", whole, func(v *lastSeenVector) { v.Key = nil })
	stranger := newDevice("device of nobody", 1)
	add("H-3", "of a device that is not in the log", sign(stranger, wire.LabelLastSeen, lastSeenBody(org, stranger.id(), 42, hash, 1772355600)), nil)
	add("H-4", "of another device", sign(other, wire.LabelLastSeen, lastSeenBody(org, other.id(), 42, hash, 1772355600)), nil)
	add("H-4", "signed by another device", sign(other, wire.LabelLastSeen, body), nil)
	add("H-4", "signed under another label", sign(own, wire.LabelEntry, body), nil)
	add("H-4", "altered", flip(whole, -1), nil)
	return append(out, headVectors(org, hash)...)
}

func headVectors(org, hash []byte) []lastSeenVector {
	const prefix = "underseal-head"
	var out []lastSeenVector
	content := func(length uint64) []byte { return cat(org, binary.BigEndian.AppendUint64(nil, length), hash) }
	good := func(name, text string, length uint64) {
		b := expand(extract(nil, array(bstr(org), num(length), bstr(hash))), []byte(wire.LabelHeadNumber), 60)
		var groups []string
		for ; len(b) > 0; b = b[5:] {
			n := uint64(b[0])<<32 | uint64(binary.BigEndian.Uint32(b[1:5]))
			groups = append(groups, fmt.Sprintf("%05d", n%100000))
		}
		out = append(out, lastSeenVector{Name: name, Kind: "head", Organization: org, Length: length, Hash: hash, Text: text, Number: strings.Join(groups, " ")})
	}
	text := bech32(prefix, groupsOf(content(42)), checkBech32)
	good("of 42 entries", text, 42)
	good("in upper case, with space around", " \t"+strings.ToUpper(text)+"\r\n", 42)
	good("of one entry", bech32(prefix, groupsOf(content(1)), checkBech32), 1)
	good("of 2^63 entries", bech32(prefix, groupsOf(content(1<<63)), checkBech32), 1<<63)
	bad := func(name, text string) {
		out = append(out, lastSeenVector{Name: name, Kind: "head", Rule: "H-8", Organization: org, Text: text})
	}
	bad("another prefix", bech32("underseal-org", groupsOf(content(42)), checkBech32))
	bad("a byte less", bech32(prefix, groupsOf(content(42)[1:]), checkBech32))
	bad("the checksum of Bech32m", bech32(prefix, groupsOf(content(42)), checkBech32m))
	bad("mixed case", strings.ToUpper(text[:20])+text[20:])
	bad("of no entries", bech32(prefix, groupsOf(content(0)), checkBech32))
	bad("empty", "")
	return out
}
