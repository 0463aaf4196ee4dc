package locale

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

const module = "github.com/licensegraph/licensegraph/"

// makers are the functions whose format is a key of the catalogue, with its place among their
// arguments.
var makers = map[string]int{
	module + "internal/locale.T":                0,
	module + "internal/fault.New":               1,
	module + "internal/fault.Wrap":              2,
	"(*" + module + "internal/fault.Error).Fix": 0,
	module + "internal/server.refuse":           2,
	module + "internal/server.badRequest":       0,
	module + "internal/server.badInput":         0,
	module + "internal/server.coded":            1,
	"(*" + module + "graph/coerce.run).refuse":  0,
	module + "graph/cost.refuse":                0,
}

// englishOnly are the packages whose own texts need no translation, with the reason.
var englishOnly = map[string]string{
	"internal/locale": "passes on what others say",
	"internal/fault":  "passes on what others say",
	"internal/cli":    "commands speak English",
	"internal/tools":  "are no part of the program",
}

// data are expressions of type string that may stand among the arguments of a text, because what
// they hold is the same in every language: names, ids, and what came from outside.
var data = regexp.MustCompile(`^(` + strings.Join([]string{
	`fault\.Quote\(.*\)`, `(id\.)?Format\(.*\)`, `strings\.Join\(\w+, ".{1,5}"\)`,
	`argumentText\(.*\)`,                                 // a path
	`(planNames|groupNames)\(.*\)`,                       // names, with commas between them
	`.*\.(DisplayName|Country|ExclusionSet|Set|Status)`,  // of the directory, the catalogue and the enums of the SDL
	`\w+\.result\.MemberID`,                              // an id as it was given
	`field|argument|def\.Name|(field|value)Names\(def\)`, // names of the SDL
	`p\.(variable|argument) \+ stepsText\(p\.steps\)|p\.of|(v|arg\.Value)\.Raw|text\.String\(\)`, // of the operation
	`kind`, // of a scalar
	`code`, // of a country
	`name|given|field\.name|printableName\(.*\)`, // of a product or a principal; what an input says
}, "|") + `)$`)

// said is one place in the sources that words something.
type said struct {
	at     string
	format string
	wrong  []string // what keeps it from being worded in another language
}

// program loads the program's packages with their types.
func program(t *testing.T) []*packages.Package {
	t.Helper()
	lookAtSources(t)
	found, err := packages.Load(&packages.Config{
		Mode:    packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
		Context: t.Context(), Dir: "../..",
	}, "./internal/...", "./graph/...", "./cmd/...")
	if err != nil {
		t.Fatal(err)
	}
	var ours []*packages.Package
	for _, p := range found {
		for _, e := range p.Errors {
			t.Fatal(e)
		}
		if !isEnglishOnly(strings.TrimPrefix(p.PkgPath, module)) {
			ours = append(ours, p)
		}
	}
	return ours
}

// lookAtSources makes the go command see what this test depends on, so that it does not repeat
// a remembered result when the sources have changed.
func lookAtSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		if filepath.Ext(path) == ".go" {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func isEnglishOnly(path string) bool {
	for apart := range englishOnly {
		if path == apart || strings.HasPrefix(path, apart+"/") {
			return true
		}
	}
	return false
}

// inspect calls a function for the nodes of the packages' files, those below a node only where
// it returns true.
func inspect(in []*packages.Package, each func(*packages.Package, ast.Node) bool) {
	for _, p := range in {
		for _, file := range p.Syntax {
			ast.Inspect(file, func(n ast.Node) bool { return each(p, n) })
		}
	}
}

// texts returns everything that the packages word.
func texts(in []*packages.Package) []said {
	var all []said
	inspect(in, func(p *packages.Package, n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl: // makers pass on what their callers say
			f, ok := p.TypesInfo.Defs[n.Name].(*types.Func)
			if !ok {
				return true
			}
			_, isMaker := makers[f.FullName()]
			return !isMaker
		case *ast.CallExpr:
			if f, ok := callee(p.TypesInfo, n).(*types.Func); ok {
				if at, ok := makers[f.FullName()]; ok {
					all = append(all, text(p, n, at))
				}
			}
		}
		return true
	})
	return all
}

func callee(info *types.Info, call *ast.CallExpr) types.Object {
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		return info.Uses[fun]
	case *ast.SelectorExpr:
		return info.Uses[fun.Sel]
	}
	return nil
}

func text(p *packages.Package, call *ast.CallExpr, format int) said {
	s := said{at: place(p, call.Pos())}
	if v := p.TypesInfo.Types[call.Args[format]].Value; v != nil {
		s.format = constant.StringVal(v)
	} else {
		s.wrong = append(s.wrong, "its format is not a constant")
	}
	if call.Ellipsis.IsValid() {
		s.wrong = append(s.wrong, "its arguments are passed on as a list")
	}
	for _, arg := range call.Args[format+1:] {
		tv := p.TypesInfo.Types[arg]
		_, isString := types.Unalias(tv.Type).(*types.Basic)
		isString = isString && tv.Type.Underlying().(*types.Basic).Info()&types.IsString != 0
		expression := types.ExprString(arg)
		if tv.Value != nil && isString {
			isString = strings.Contains(constant.StringVal(tv.Value), " ")
		}
		if isString && !data.MatchString(expression) {
			s.wrong = append(s.wrong, fmt.Sprintf("the argument %s may be a phrase: make it a Text, or name it among the data of this test", expression))
		}
	}
	return s
}

func place(p *packages.Package, pos token.Pos) string {
	at := p.Fset.Position(pos)
	return fmt.Sprintf("%s/%s:%d", strings.TrimPrefix(p.PkgPath, module), filepath.Base(at.Filename), at.Line)
}

func TestSources(t *testing.T) {
	in := program(t)
	t.Run("every text is there in every language", func(t *testing.T) { testEveryTextIsThere(t, in) })
	t.Run("faults are made and never edited", func(t *testing.T) { testFaultsAreMade(t, in) })
}

func testEveryTextIsThere(t *testing.T, in []*packages.Package) {
	t.Helper()
	used := map[string]bool{"and": true, "or": true, "%d more": true} // said by this package
	for _, s := range texts(in) {
		used[s.format] = true
		for _, wrong := range s.wrong {
			t.Errorf("%s: %s", s.at, wrong)
		}
		if _, ok := dutch[s.format]; !ok && !neutral(s.format) {
			t.Errorf("%s: there is no Dutch for\n\t%q: \"\",", s.at, s.format)
		}
	}
	for name, source := range map[string]map[string]string{"English": english, "Dutch": dutch} {
		for format := range source {
			if !used[format] {
				t.Errorf("nothing says what has words in %s: %q", name, format)
			}
		}
	}
}

// neutral holds for formats without words.
func neutral(format string) bool {
	return !strings.ContainsFunc(verb.ReplaceAllString(format, ""), func(r rune) bool { return r > ' ' && !strings.ContainsRune(":.,", r) })
}

func testFaultsAreMade(t *testing.T, in []*packages.Package) {
	t.Helper()
	inspect(in, func(p *packages.Package, n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if tv := p.TypesInfo.Types[n]; isFault(tv.Type) {
				t.Errorf("%s: a fault is made without fault.New: it has no other language", place(p, n.Pos()))
			}
		case *ast.AssignStmt:
			for _, to := range n.Lhs {
				if field, ok := to.(*ast.SelectorExpr); ok && isFault(p.TypesInfo.Types[field.X].Type) &&
					slices.Contains([]string{"Message", "Remediation"}, field.Sel.Name) {
					t.Errorf("%s: the %s of a fault is assigned: it has no other language", place(p, n.Pos()), field.Sel.Name)
				}
			}
		}
		return true
	})
}

func isFault(t types.Type) bool {
	if t == nil {
		return false
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	return t.String() == module+"internal/fault.Error"
}
