package main

// The checksum constants of BIP 173 and BIP 350.
const (
	checkBech32  = 1
	checkBech32m = 0x2bc830a3
)

// groupsOf are the bits of b in groups of five, the last one filled with zeros.
func groupsOf(b []byte) []byte {
	var groups []byte
	var bits, n uint
	for _, c := range b {
		bits, n = bits<<8|uint(c), n+8
		for ; n >= 5; n -= 5 {
			groups = append(groups, byte(bits>>(n-5)&31))
		}
	}
	if n > 0 {
		groups = append(groups, byte(bits<<(5-n)&31))
	}
	return groups
}

// bech32 is the text of five-bit groups under a lower-case prefix.
func bech32(prefix string, groups []byte, check uint32) string {
	const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	var all []byte
	for _, c := range []byte(prefix) {
		all = append(all, c>>5)
	}
	all = append(all, 0)
	for _, c := range []byte(prefix) {
		all = append(all, c&31)
	}
	end := polymod(cat(all, groups, make([]byte, 6))) ^ check
	text := prefix + "1"
	for _, g := range groups {
		text += string(alphabet[g])
	}
	for i := range 6 {
		text += string(alphabet[end>>(25-5*i)&31])
	}
	return text
}

func polymod(groups []byte) uint32 {
	rest := uint32(1)
	for _, g := range groups {
		top := rest >> 25
		rest = rest&0x1ffffff<<5 ^ uint32(g)
		for i, generator := range []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				rest ^= generator
			}
		}
	}
	return rest
}
