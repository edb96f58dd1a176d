package main

import "crypto/sha256"

// blob puts operations outside an entry: the operation that stands for them,
// and the name under which the blob is filed.
func (c *cases) blob(name string, ops ...[]byte) ([]byte, string) {
	b := array(ops...)
	c.entries["blob: "+name] = b
	return opBlob(b, uint64(len(ops))), "blob: " + name
}

func opBlob(b []byte, count uint64) []byte {
	h := sha256.Sum256(b)
	return op(25, bstr(h[:]), num(uint64(len(b))), num(count))
}

// outside are entries with operations that ride outside, at the end of the story.
func (c *cases) outside(s *scenario) {
	alice := s.alice.first
	revoke, shut := opRevoke(s.phone, s.bob.id()), opClose(s.phone)
	add := func(rule, name string, blobs []string, ops ...[]byte) {
		entry := name
		if rule != "" {
			entry = rule + ": " + name
		}
		log := s.after(entry, s.next(alice, ops...).encode())
		c.vectors = append(c.vectors, logVector{Name: name, Kind: "replay", Rule: rule, Organization: s.id, Log: log, Blobs: blobs})
	}
	good, name := c.blob("a revocation and a closing", revoke, shut)
	bytes := c.entries[name]
	closing, closes := c.blob("a closing", shut)
	add("", "all of it outside", []string{name}, good)
	add("", "a part of it outside", []string{closes}, revoke, closing)
	add("", "one blob, and another", []string{closes}, revoke, closing, opEnd(s.folder))
	add("L-20", "a blob that is not given", nil, good)
	add("L-20", "another blob than the one named", []string{closes}, good)
	h := sha256.Sum256(bytes)
	add("L-20", "a blob of another size", []string{name}, op(25, bstr(h[:]), num(uint64(len(bytes))+1), num(2)))
	add("L-20", "a blob of another count", []string{name}, opBlob(bytes, 3))
	alone, revokes := c.blob("a revocation", revoke)
	add("L-20", "a blob without what it owes", []string{revokes}, alone)
	add("L-5", "a blob of no operations", nil, opBlob(bytes, 0))
	add("L-5", "a blob of 8193 operations", nil, opBlob(bytes, 8193))
	add("L-5", "a blob of size 0", nil, op(25, bstr(h[:]), num(0), num(1)))
	add("L-5", "a blob above the limit", nil, op(25, bstr(h[:]), num(16<<20+1), num(1)))
	nested, inner := c.blob("a blob in a blob", closing)
	add("L-5", "a blob in a blob", []string{inner, closes}, revoke, nested)
	founding, genesis := c.blob("genesis", opGenesis("Other LLP", s.bob))
	add("L-5", "genesis in a blob", []string{genesis}, founding)
	c.entries["blob: not canonical"] = append([]byte{0x98, 1}, array(shut)[1:]...)
	add("L-5", "a blob that is not canonical", []string{"blob: not canonical"}, revoke, opBlob(c.entries["blob: not canonical"], 1))
	c.entries["blob: cut short"] = array(shut)[:5]
	add("L-5", "a blob that is cut short", []string{"blob: cut short"}, revoke, opBlob(c.entries["blob: cut short"], 1))
	unknown, newer := c.blob("an operation of a newer program", array(num(20), fields()))
	add("L-4", "an operation of a newer program in a blob", []string{newer}, unknown)
	notTheirs, theirs := c.blob("somebody else's user key", s.opUserKey(s.dora, 2, s.dora.user))
	add("L-11", "in a blob what one may not", []string{theirs}, notTheirs)
	var many [][]byte
	again, resealed := c.blob("a re-sealing", opReseal(s.phone, 1, s.bob.id()))
	for range 65 {
		many = append(many, again)
	}
	add("", "64 blobs", []string{resealed}, many[:64]...)
	add("L-5", "65 blobs", []string{resealed}, many...)
}
