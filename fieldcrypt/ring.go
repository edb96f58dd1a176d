package fieldcrypt

// Ring is the set of keys that somebody holds, by key id. It is safe for
// concurrent use.
type Ring struct {
	keys map[KeyID]*Key
}

// NewRing returns a ring with the given keys. The membership log refuses a
// second key of one id (attack 18); of two such the ring has the first.
func NewRing(keys ...*Key) *Ring {
	r := &Ring{keys: make(map[KeyID]*Key, len(keys))}
	for _, k := range keys {
		if r.keys[k.id] == nil {
			r.keys[k.id] = k
		}
	}
	return r
}

// Key returns the key with an id, or nil.
func (r *Ring) Key(id KeyID) *Key { return r.keys[id] }

// Len is the number of keys.
func (r *Ring) Len() int { return len(r.keys) }

// Open finds the token's key and opens it; see [Key.Open]. A key that is not
// in the ring gives ErrUnknownKey: synchronize, then say so.
func (r *Ring) Open(token string, record Name) (Value, Binding, error) {
	t, err := Parse([]byte(token))
	if err != nil {
		return Value{}, 0, err
	}
	k := r.keys[t.KeyID]
	if k == nil {
		return Value{}, 0, ErrUnknownKey
	}
	return k.OpenToken(t, record)
}
