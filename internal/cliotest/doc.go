// Package cliotest holds the connector to Clio and the simulated Clio against
// each other. Neither knows the other; both are held to Clio's description on
// the way, so that they cannot agree on a mistake of their own. It holds
// nothing but tests.
package cliotest
