package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/transport"
)

// clioSays is what an error of the connector means to a person.
type clioSays struct {
	is   error
	text string
}

// clioSentences are those for the connector's errors, and for what else may
// stand beside them in a chain.
func clioSentences() []clioSays {
	return []clioSays{
		{connector.ErrUnauthorized, "Clio no longer accepts this device's connection"},
		{connector.ErrForbidden, "Clio does not allow your user to "},
		{connector.ErrWithheld, "Clio's answer came without its values"},
		{connector.ErrNotFound, "it is no longer in Clio"},
		{connector.ErrConflict, "somebody else changed it in Clio meanwhile"},
		{connector.ErrUncertain, "Clio's answer was lost"},
		{connector.ErrUnavailable, "Clio does not answer"},
		{connector.ErrRefused, "Clio refuses it"},
		{connector.ErrMalformed, "Clio's answer cannot be understood"},
		{transport.ErrNotSent, transport.ErrNotSent.Error()},
		{transport.ErrLost, transport.ErrLost.Error()},
		{context.DeadlineExceeded, "it took too long"},
	}
}

// clioMessage is the message of an error without what only matters to those who
// made the request: each part of its chain as a person needs it, and once. Any
// other error's message is as it is.
func clioMessage(err error, message string) string {
	if !slices.ContainsFunc(clioSentences(), func(s clioSays) bool { return errors.Is(err, s.is) }) {
		return message
	}
	return clioText(firstLine(message))
}

// clioText is clioMessage for the text of an error of the connector.
func clioText(message string) string {
	sentences := clioSentences()
	var parts []string
	what, status := "do that", ""
	for part := range strings.SplitSeq(message, ": ") {
		if done, ok := requestWords(part); ok {
			what = done
			continue
		}
		switch {
		case part == "clio", part == "sign-in", part == "deauthorize":
			continue
		case strings.HasPrefix(part, "status "):
			status = " (" + part + ")"
			continue
		}
		for _, s := range sentences {
			if part == s.is.Error() {
				part = s.text
			}
		}
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	for i, part := range parts {
		switch {
		case strings.HasSuffix(part, "user to "):
			parts[i] += what
		case part == "Clio does not answer", part == "Clio refuses it", part == "Clio's answer cannot be understood":
			parts[i] += status // what somebody whom they ask for help needs
			status = ""
		}
	}
	return strings.Join(parts, ": ")
}

// requestWords says what a request of the API is for.
func requestWords(part string) (words string, ok bool) {
	method, path, ok := strings.Cut(part, " /api/v4/")
	if !ok || strings.Contains(method, " ") {
		return "", false
	}
	verb := "change "
	if method == "GET" {
		verb = "read "
	}
	name, _, _ := strings.Cut(strings.TrimSuffix(path, ".json"), "/")
	switch name {
	case "matters", "contacts":
		return verb + name, true
	case "custom_fields", "custom_field_sets":
		return verb + strings.ReplaceAll(name, "_", " "), true
	case "users":
		return "read who you are", true
	default:
		return "do that", true
	}
}
