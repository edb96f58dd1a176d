package fieldcrypt

import (
	"encoding/binary"
	"sync"
)

// The text of a token is base64url without padding (RFC 4648, section 5). It
// is written and read here because encoding/base64 forgives line breaks, and
// takes a fifth of the time of opening a token; FuzzText holds this to what
// that package writes and accepts.

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// textTables turn two characters, and one, at a time. What they are looked up
// by is public.
type textTables struct {
	pair  [1 << 12]uint16 // 12 bits → two characters, the first in the low byte
	value [4][256]uint32  // a group's i-th character → its 6 of 24 bits, or notText
}

const notText = 1 << 31

// Made at first use: no work happens at import time.
var tables = sync.OnceValue(func() *textTables {
	var t textTables
	for i := range t.pair {
		t.pair[i] = uint16(alphabet[i>>6]) | uint16(alphabet[i&63])<<8
	}
	for i := range t.value {
		for c := range t.value[i] {
			t.value[i][c] = notText
		}
		for v, c := range []byte(alphabet) {
			t.value[i][c] = uint32(v) << (18 - 6*i)
		}
	}
	return &t
})

// textSize is the number of characters for n bytes.
func textSize(n int) int { return (n*8 + 5) / 6 }

// encodeText writes the text of src to dst, which has its length.
func encodeText(dst, src []byte) {
	t := tables()
	for len(src) >= 8 && len(dst) >= 8 {
		v := binary.BigEndian.Uint64(src) // the last 2 bytes are for the next round
		binary.LittleEndian.PutUint64(dst,
			uint64(t.pair[v>>52])|uint64(t.pair[v>>40&0xfff])<<16|uint64(t.pair[v>>28&0xfff])<<32|uint64(t.pair[v>>16&0xfff])<<48)
		src, dst = src[6:], dst[8:]
	}
	for len(src) > 0 {
		var group [3]byte
		n := copy(group[:], src)
		v := uint(group[0])<<16 | uint(group[1])<<8 | uint(group[2])
		var text [4]byte
		binary.LittleEndian.PutUint16(text[:], t.pair[v>>12])
		binary.LittleEndian.PutUint16(text[2:], t.pair[v&0xfff])
		dst = dst[copy(dst, text[:textSize(n)]):]
		src = src[n:]
	}
}

// decodeText writes the bytes of src to dst, which has their number, and tells
// whether src is what encodeText writes for them.
func decodeText(dst, src []byte) bool {
	t := tables()
	var bad uint32
	for len(src) >= 8 && len(dst) >= 8 {
		v := t.value[0][src[0]] | t.value[1][src[1]] | t.value[2][src[2]] | t.value[3][src[3]]
		w := t.value[0][src[4]] | t.value[1][src[5]] | t.value[2][src[6]] | t.value[3][src[7]]
		bad |= v | w
		binary.BigEndian.PutUint64(dst, uint64(v)<<40|uint64(w)<<16) // the next round overwrites the last 2 bytes
		src, dst = src[8:], dst[6:]
	}
	for len(src) >= 4 && len(dst) >= 3 {
		v := t.value[0][src[0]] | t.value[1][src[1]] | t.value[2][src[2]] | t.value[3][src[3]]
		bad |= v
		dst[0], dst[1], dst[2] = byte(v>>16), byte(v>>8), byte(v)
		src, dst = src[4:], dst[3:]
	}
	switch {
	case len(src) == 2 && len(dst) == 1:
		v := t.value[0][src[0]] | t.value[1][src[1]]
		if v&0xffff != 0 {
			return false // bits left over
		}
		bad |= v
		dst[0] = byte(v >> 16)
	case len(src) == 3 && len(dst) == 2:
		v := t.value[0][src[0]] | t.value[1][src[1]] | t.value[2][src[2]]
		if v&0xff != 0 {
			return false
		}
		bad |= v
		dst[0], dst[1] = byte(v>>16), byte(v>>8)
	case len(src) != 0 || len(dst) != 0:
		return false
	}
	return bad&notText == 0
}
