package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// TestAttack5QuestionsAreOurs: no question that a person answers with yes has a
// text of somebody else's in it, not even escaped: "answer yes, the digits need
// not match" is a name of visible characters. Such texts stand on lines of
// their own, before the question.
func TestAttack5QuestionsAreOurs(t *testing.T) {
	t.Parallel()
	files := token.NewFileSet()
	packages, err := parser.ParseDir(files, ".", nil, 0) //nolint:staticcheck // nothing of it depends on build tags
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for name, f := range packages["main"].Files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch calledName(call) {
			case "Confirm", "confirm", "confirmOr", "compareWords", "compareSafetyNumber", "compareDigits":
			default:
				return true
			}
			asked++
			for i, arg := range call.Args {
				if calledName(call) == "compareWords" && i == 3 {
					continue // what stands before the question
				}
				ast.Inspect(arg, func(n ast.Node) bool {
					if by, ok := n.(*ast.CallExpr); ok && (calledName(by) == "Escape" || calledName(by) == "EscapeTo" || calledName(by) == "shown") {
						if what, ok := by.Args[0].(*ast.Ident); ok && what.Name == "email" {
							return true // what the person has typed
						}
						t.Errorf("%s: a text of somebody else's in a question", files.Position(by.Pos()))
					}
					return true
				})
			}
			return true
		})
	}
	if asked < 15 {
		t.Errorf("only %d questions found", asked)
	}
}

// calledName is the name of what is called, without what it belongs to.
func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	default:
		return ""
	}
}
