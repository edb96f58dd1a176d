package kit

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/keyring"
)

// list is BIP 39's English list, one word on a line, in the order of the
// alphabet. english.LICENSE says where it is from and under which licence. Its
// SHA-256 is 2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda.
//
//go:embed english.txt
var list string

const (
	// WordCount is the number of words of a backup: 256 bits and a checksum
	// of 8, by 11 bits each.
	WordCount = 24
	wordBits  = 11
	// longestWord is more than any word of the list has letters.
	longestWord = 16
)

// words is the list by number.
func words() []string { return strings.Fields(list) }

// A WordError says that one word is not on the list. It never holds what was
// typed: that is nearly a part of the secret.
type WordError struct {
	Position int // from 1
	// Suggestions are the nearest words of the list, best first, or none.
	// They are for the person at the terminal and for no log.
	Suggestions []string
}

func (e *WordError) Error() string {
	return fmt.Sprintf("word %d is not on the list of words", e.Position)
}

// Unwrap makes a WordError an ErrMalformed.
func (e *WordError) Unwrap() error { return ErrMalformed }

func formatWords(s *secret.Bytes) *secret.Bytes {
	all := words()
	sum := sha256.Sum256(s.Expose())
	bits := append(bytes.Clone(s.Expose()), sum[0])
	defer clear(bits)
	var out []byte
	for i := range WordCount {
		n := 0
		for j := i * wordBits; j < (i+1)*wordBits; j++ {
			n = n<<1 | int(bits[j/8]>>(7-j%8)&1)
		}
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, all[n]...)
	}
	return secret.Take(out)
}

// parseWords returns the secret of 24 words in lower case.
func parseWords(typed [][]byte) (*secret.Bytes, error) {
	typed, err := inOrder(typed)
	if err != nil {
		return nil, err
	}
	all := words()
	var bits [keyring.SecretSize + 1]byte
	defer clear(bits[:])
	for i, w := range typed {
		n, found := slices.BinarySearchFunc(all, w, func(a string, b []byte) int { return strings.Compare(a, string(b)) })
		if !found {
			return nil, &WordError{Position: i + 1, Suggestions: nearest(all, string(w))}
		}
		for j := range wordBits {
			at := i*wordBits + j
			bits[at/8] |= byte(n>>(wordBits-1-j)&1) << (7 - at%8)
		}
	}
	if sum := sha256.Sum256(bits[:keyring.SecretSize]); sum[0] != bits[keyring.SecretSize] {
		return nil, ErrChecksum
	}
	return secret.New(bits[:keyring.SecretSize]), nil
}

// inOrder takes away the numbers of words and puts the words where these say,
// because a page that is copied or read by columns has them in another order.
func inOrder(typed [][]byte) ([][]byte, error) {
	var found [][]byte
	var numbers []int // of the words found
	number := 0       // of the word to come, 0 for none
	for _, w := range typed {
		n, err := strconv.Atoi(string(w))
		switch {
		case err != nil && len(found) == WordCount:
			return nil, fmt.Errorf("%w: more than %d words", ErrMalformed, WordCount)
		case err != nil:
			found = append(found, w)
			if number != 0 {
				numbers = append(numbers, number)
			}
			number = 0
		case number != 0 || n < 1 || n > WordCount:
			return nil, fmt.Errorf("%w: a number without its word, or not of 1 to %d", ErrMalformed, WordCount)
		default:
			number = n
		}
	}
	switch {
	case len(found) < WordCount:
		return nil, fmt.Errorf("%w: %d words, not %d", ErrMalformed, len(found), WordCount)
	case number != 0 || len(numbers) != 0 && len(numbers) != WordCount:
		return nil, fmt.Errorf("%w: number every word or none", ErrMalformed)
	case len(numbers) == 0:
		return found, nil
	}
	placed := make([][]byte, WordCount)
	for i, n := range numbers {
		if placed[n-1] != nil {
			return nil, fmt.Errorf("%w: two words are numbered %d", ErrMalformed, n)
		}
		placed[n-1] = found[i]
	}
	return placed, nil
}

// nearest are the words of the list that differ least from w: by the fewest
// letters wrong, missing, too many or swapped with the next, at most two (one
// in a short word). The word with the same first four letters is always among
// them, since those tell all words of the list apart.
func nearest(all []string, w string) []string {
	if len(w) > longestWord {
		return nil
	}
	least := 2
	if len(w) <= 4 {
		least = 1
	}
	var same, found []string
	for _, candidate := range all {
		d := distance(candidate, w)
		if len(w) >= 4 && strings.HasPrefix(candidate, w[:4]) {
			if same = []string{candidate}; d < least {
				least, found = d, nil
			}
			continue
		}
		switch {
		case d < least:
			least, found = d, []string{candidate}
		case d == least:
			found = append(found, candidate)
		}
	}
	return append(found, same...)
}

// distance is the optimal string alignment distance.
func distance(a, b string) int {
	var rows [3][longestWord + 1]int // the two rows before, and this
	for j := range len(b) + 1 {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, here := &rows[(i-1)%3], &rows[i%3], &rows[(i+1)%3]
		here[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			here[j] = min(above[j]+1, here[j-1]+1, above[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				here[j] = min(here[j], before[j-2]+1)
			}
		}
	}
	return rows[(len(a)+1)%3][len(b)]
}
