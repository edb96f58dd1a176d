package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/transport"
)

// What a person reads of a chain of errors is what happened, once.
func TestClioMessages(t *testing.T) {
	t.Parallel()
	at := func(request string, err error) error { return fmt.Errorf("clio: %s: %w", request, err) }
	status := func(s string, err error) error { return fmt.Errorf("status %s: %w", s, err) }
	for _, c := range []struct {
		err   error
		class class
		want  string
	}{
		{at("GET /api/v4/users/who_am_i.json", fmt.Errorf("clio: sign-in: %w", status("401", connector.ErrUnauthorized))), classConnection, "Clio no longer accepts this device's connection"},
		{at("GET /api/v4/custom_fields.json", status("403 ForbiddenError", connector.ErrForbidden)), classConnection, "Clio does not allow your user to read custom fields"},
		{at("POST /api/v4/custom_fields.json", status("403", connector.ErrForbidden)), classConnection, "Clio does not allow your user to change custom fields"},
		{at("PATCH /api/v4/contacts/12.json", status("403", connector.ErrForbidden)), classConnection, "Clio does not allow your user to change contacts"},
		{at("GET /api/v4/users/who_am_i.json", status("403", connector.ErrForbidden)), classConnection, "Clio does not allow your user to read who you are"},
		{at("GET /api/v4/else.json", connector.ErrForbidden), classConnection, "Clio does not allow your user to do that"},
		{at("GET /api/v4/matters.json", status("503", connector.ErrUnavailable)), classUnavailable, "Clio does not answer (status 503)"},
		{at("GET /api/v4/matters.json", fmt.Errorf("%w: %w: nothing listens there", connector.ErrUnavailable, transport.ErrNotSent)), classUnavailable, "Clio does not answer: the server could not be reached: nothing listens there"},
		{at("GET /api/v4/matters.json", fmt.Errorf("%w: %w: %w", connector.ErrUnavailable, transport.ErrLost, context.DeadlineExceeded)), classUnavailable, "Clio does not answer: the connection broke before the answer came: it took too long"},
		{&connector.RecordError{Kind: "contact", ID: "12", Err: at("PATCH /api/v4/contacts/12.json", status("422 ArgumentError", connector.ErrRefused))}, classInput, "contact 12: Clio refuses it (status 422 ArgumentError)"},
		{fmt.Errorf("%w: %w", connector.ErrUncertain, at("PATCH /api/v4/contacts/12.json", status("504", connector.ErrUnavailable))), classUnavailable, "Clio's answer was lost: Clio does not answer (status 504)"},
		{fmt.Errorf("clio: the fields of a set: %w", connector.ErrWithheld), classConnection, "the fields of a set: Clio's answer came without its values"},
		{fmt.Errorf("contact 12: %w", connector.ErrTooLong), classInput, "contact 12: longer than the field keeps"},
		{fmt.Errorf("clio: %w", errNoClioField), classInput, "clio: no such field in Clio"}, // none of the connector
	} {
		if p := classify(c.err); p.message != c.want || p.class.code != c.class.code || p.hint == "" {
			t.Errorf("%v:\n%s, exit %d, hint %q\nwant %s", c.err, p.message, p.class.code, p.hint, c.want)
		}
	}
}

// Whatever stands in a chain, no request and no name of a package is left of it.
func TestClioMessageProperty(t *testing.T) {
	t.Parallel()
	links := []string{"clio", "sign-in", "GET /api/v4/matters.json", "PATCH /api/v4/contacts/1.json", "status 503", "contact 7", "the fields of a set"}
	rapid.Check(t, func(t *rapid.T) {
		err := rapid.SampledFrom(clioSentences()).Draw(t, "cause").is
		for range rapid.IntRange(0, 6).Draw(t, "links") {
			err = fmt.Errorf("%s: %w", rapid.SampledFrom(links).Draw(t, "link"), err)
		}
		if rapid.Bool().Draw(t, "lost") {
			err = fmt.Errorf("%w: %w", connector.ErrUncertain, err)
		}
		got := clioMessage(err, err.Error())
		if got == "" || strings.HasSuffix(got, " ") || strings.Contains(got, "clio:") || strings.Contains(got, "/api/") || errors.Is(err, connector.ErrForbidden) && !strings.Contains(got, "your user to ") {
			t.Fatalf("%v: %q", err, got)
		}
		parts := strings.Split(got, ": ")
		for i, p := range parts {
			for _, q := range parts[:i] {
				if p == q {
					t.Fatalf("%v: %q says %q twice", err, got, p)
				}
			}
		}
	})
}
