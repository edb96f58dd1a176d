package clio

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/underseal/underseal/internal/transport"
)

// Regions are the places where Clio keeps accounts. A token of one is nothing
// to another.
var regions = map[string]string{
	"us": "https://app.clio.com",
	"ca": "https://ca.app.clio.com",
	"eu": "https://eu.app.clio.com",
	"au": "https://au.app.clio.com",
}

// ErrSite: there is no such region, or the base URL is not one to trust.
var ErrSite = errors.New("not a place where Clio is")

// Site is where Clio answers.
type Site struct {
	name string
	base *url.URL // origin only
}

// Region is the site of a region: "us", "ca", "eu" or "au".
func Region(name string) (Site, error) {
	base, ok := regions[name]
	if !ok {
		return Site{}, fmt.Errorf("%w: the region %.20q", ErrSite, name)
	}
	return At(base)
}

// At is the site of a base URL such as "https://app.clio.com": https, or http
// to this machine itself, and no path. One that is a region's is that region;
// one whose host has a region's name is none, for accounts would be mixed up.
func At(base string) (Site, error) {
	u, err := url.Parse(base)
	if err != nil || len(base) > maxURL || !transport.Secure(u) || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery {
		return Site{}, fmt.Errorf("%w: the base URL is not https://HOST", ErrSite)
	}
	u = &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	s := Site{name: u.Host, base: u}
	for name, known := range regions {
		if known == u.String() {
			s.name = name
		}
	}
	if known, taken := regions[s.name]; taken && known != u.String() {
		return Site{}, fmt.Errorf("%w: a host that is called as a region is", ErrSite)
	}
	return s, nil
}

// Name is the region, or the host of another site. It is the first part of an
// account's name, as in "us:1234".
func (s Site) Name() string { return s.name }

// URL is the site's base URL, without a "/" at its end.
func (s Site) URL() string {
	if s.base == nil {
		return ""
	}
	return s.base.String()
}

// same tells whether a link of the site's own answer leads to path at the
// site. Nothing else that an answer holds is ever requested (attack 21).
func (s Site) same(link *url.URL, path string) bool {
	paths := []string{path, strings.TrimSuffix(path, ".json")}
	return transport.Secure(link) && link.Scheme == s.base.Scheme && strings.EqualFold(link.Host, s.base.Host) &&
		slices.Contains(paths, link.EscapedPath())
}
