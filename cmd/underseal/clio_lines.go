package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/underseal/underseal/internal/term"
)

// lineWidth is how many characters a line for people has at most.
const lineWidth = 100

// fold puts parts into lines, with a space between them; each line but the first
// begins with indent. A part is never broken.
func fold(parts []string, indent string) string {
	var b strings.Builder
	width := 0
	for i, part := range parts {
		n := utf8.RuneCountInString(part)
		switch {
		case i == 0:
		case width+1+n > lineWidth:
			b.WriteString("\n" + indent)
			width = utf8.RuneCountInString(indent)
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(part)
		width += n
	}
	return b.String()
}

// foldText is a sentence of ours in lines.
func foldText(text string) string { return fold(strings.Split(text, " "), "  ") }

// foldNames is a list of names in lines, after what begins it. All of them are
// there: somebody is about to agree to it.
func foldNames(begin string, names []string, indent string) string {
	parts := []string{begin}
	for i, name := range names {
		name = term.EscapeTo(name, lineWidth-len(indent)-1)
		if i < len(names)-1 {
			name += ","
		}
		parts = append(parts, name)
	}
	return fold(parts, indent)
}

// maxNames is how many characters some names have in a table.
const maxNames = 45

// someNames are the first of some names, and how many more there are.
func someNames(names []string) string {
	text := ""
	for i, name := range names {
		if i > 0 {
			name = ", " + name
		}
		more := ""
		if left := len(names) - i - 1; left > 0 {
			more = fmt.Sprintf(" and %d more", left)
		}
		if i == 0 {
			text = term.EscapeTo(name, maxNames-len(more))
			continue
		}
		if name = term.Escape(name); utf8.RuneCountInString(text+name+more) > maxNames {
			return text + fmt.Sprintf(" and %d more", len(names)-i)
		}
		text += name
	}
	return text
}
