package main

import "encoding/binary"

// The few kinds of CBOR item that the formats use, each already encoded.

func head(major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return []byte{major | byte(n)}
	case n < 1<<8:
		return []byte{major | 24, byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{major | 25}, uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32([]byte{major | 26}, uint32(n))
	default:
		return binary.BigEndian.AppendUint64([]byte{major | 27}, n)
	}
}

func num(n uint64) []byte  { return head(0, n) }
func bstr(b []byte) []byte { return append(head(2, uint64(len(b))), b...) }
func tstr(s string) []byte { return append(head(3, uint64(len(s))), s...) }

func array(items ...[]byte) []byte { return append(head(4, uint64(len(items))), cat(items...)...) }

// pair is one field of a map.
type pair struct {
	key  uint64
	item []byte
}

// dict encodes the pairs in the order given; the caller keeps it ascending.
func dict(pairs ...pair) []byte {
	b := head(5, uint64(len(pairs)))
	for _, p := range pairs {
		b = append(append(b, num(p.key)...), p.item...)
	}
	return b
}

// fields encodes a map whose keys count from 1; nil items are left out.
func fields(items ...[]byte) []byte {
	var pairs []pair
	for i, item := range items {
		if item != nil {
			pairs = append(pairs, pair{uint64(i) + 1, item})
		}
	}
	return dict(pairs...)
}

func cat(parts ...[]byte) []byte {
	b := []byte{}
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// flip returns a copy of b with the lowest bit of byte i inverted; a negative
// i counts from the end.
func flip(b []byte, i int) []byte {
	b = cat(b)
	if i < 0 {
		i += len(b)
	}
	b[i] ^= 1
	return b
}
