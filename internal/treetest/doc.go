// Package treetest checks the files of the checkout itself: what no compiler
// looks at and every reader does. It holds nothing but tests; the checks are
// functions of a list of files, and each is shown to bite.
package treetest
