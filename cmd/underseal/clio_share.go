package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// sharedRegistration is the organization's secret of registrationSecret.
type sharedRegistration struct {
	Version int `json:"version"`
	registration
}

const registrationVersion = 1

// registration is the firm's Clio application: as the flags say, else as this
// device knows it, else as somebody shared it.
func (a *app) registration(ctx context.Context, w *workspace.Workspace, f connectFlags, before connection) (registration, error) {
	if f.clientID != "" {
		s, err := a.readClientSecret(f.secretFile)
		if err != nil {
			return registration{}, err
		}
		defer s.Destroy()
		r := registration{BaseURL: f.baseURL, ClientID: f.clientID, ClientSecret: string(s.Expose())}
		site, err := f.site()
		if err == nil {
			r.Region = site.Name()
		}
		return r, err
	}
	r, err := sharedWithMe(ctx, w)
	if errors.Is(err, errNoRegistration) && before.ClientID != "" {
		r, err = before.registration, nil
	}
	if err != nil {
		return r, err
	}
	if f.baseURL != "" || f.region != "" {
		site, err := f.site()
		if err != nil {
			return r, err
		}
		if known, err := r.site(); err != nil || known.URL() != site.URL() {
			return r, fmt.Errorf("it is for %s: %w", term.Escape(r.Region), errOtherRegion)
		}
	}
	return r, nil
}

// sharedWithMe reads the organization's secret.
func sharedWithMe(ctx context.Context, w *workspace.Workspace) (registration, error) {
	s, err := w.Secret(ctx, registrationSecret)
	switch {
	case errors.Is(err, workspace.ErrNoSuch), errors.Is(err, workspace.ErrNotGranted):
		return registration{}, errNoRegistration
	case err != nil:
		return registration{}, err
	}
	defer s.Destroy()
	var r sharedRegistration
	switch err := json.Unmarshal(s.Expose(), &r); {
	case err != nil, r.Version < 1, r.ClientID == "":
		return registration{}, fmt.Errorf("the organization's secret %s: %w", registrationSecret, errConfig)
	case r.Version > registrationVersion:
		return registration{}, &wire.VersionError{Format: "secret " + registrationSecret, Version: uint64(r.Version)}
	}
	return r.registration, nil
}

// checkShares refuses unknown colleagues and groups before anybody signs in
// anywhere, and returns the names of all. An email is never taken for a group,
// nor a group for an email.
func (a *app) checkShares(ctx context.Context, w *workspace.Workspace, emails, groups []string) ([]string, error) {
	for _, email := range emails {
		if _, err := w.PresentByEmail(ctx, email); err != nil {
			return nil, err // it says who
		}
	}
	for _, group := range groups {
		if _, err := w.Group(ctx, group); err != nil {
			return nil, err
		}
	}
	return slices.Concat(emails, groups), nil
}

// shareRegistration seals the registration as a secret of the organization
// where it is new, and grants it to colleagues.
func (a *app) shareRegistration(ctx context.Context, w *workspace.Workspace, r registration, f connectFlags) ([]string, error) {
	to := slices.Compact(slices.Sorted(slices.Values(f.shareWith)))
	known, err := sharedWithMe(ctx, w)
	switch {
	case err != nil && !errors.Is(err, errNoRegistration):
		return nil, err
	case err == nil && known == r && len(to) == 0:
		return []string{}, nil
	case f.clientID == "" && len(to) == 0:
		return []string{}, nil
	}
	body, err := json.Marshal(sharedRegistration{registrationVersion, r})
	if err != nil {
		return nil, err
	}
	s := secret.Take(body)
	defer s.Destroy()
	switch err := w.PutSecret(ctx, registrationSecret, s, to); {
	case errors.Is(err, officer.ErrAuthority) && len(to) == 0:
		a.say("only an officer can make the firm's Clio application a secret of the organization, for colleagues to connect by")
		return []string{}, nil
	case err != nil:
		return nil, err
	}
	if len(to) == 0 {
		a.say("the firm's Clio application is now a secret of the organization, which you alone can read; --share-with grants it")
		return []string{}, nil
	}
	for _, email := range to {
		a.say("%s may connect too: underseal clio connect", term.Escape(email))
	}
	return to, nil
}
