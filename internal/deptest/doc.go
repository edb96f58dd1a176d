// Package deptest checks who may import whom. It holds nothing but a test:
// the rules, each with its reason, are in rules_test.go.
//
// The rules are checked on the import graph of every system that a program is
// built for, the browser included, because a file for one system can import
// what the others do not.
package deptest
