package kit

import (
	"fmt"
	"slices"
	"strings"
)

// Word is the word of the list with a number from 0 to 2047. People compare
// words where they would not compare digits.
func Word(n uint16) string { return words()[n] }

// ParseList reads words of the list, in any case, with white space between them
// and, as on a page, commas or numbers with a full stop, and returns their
// numbers. A word that is not on the list is a *WordError, which suggests.
func ParseList(typed string) ([]uint16, error) {
	if len(typed) > MaxInput {
		return nil, fmt.Errorf("%w: too long", ErrMalformed)
	}
	all := words()
	var numbers []uint16
	for _, w := range strings.FieldsFunc(strings.ToLower(typed), func(r rune) bool { return strings.ContainsRune(" \t\r\n.,;:()#-0123456789", r) }) {
		n, found := slices.BinarySearch(all, w)
		if !found {
			return nil, &WordError{Position: len(numbers) + 1, Suggestions: nearest(all, w)}
		}
		numbers = append(numbers, uint16(n))
	}
	return numbers, nil
}
