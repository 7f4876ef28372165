package lf_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// packageFolders are the folders with Go code, those of the checks in .ci included.
func packageFolders(t *testing.T) (folders []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch base := path.Base(name); {
		case err != nil:
			return err
		case d.IsDir() && (base == "testdata" || strings.HasPrefix(base, ".") && base != "." && base != ".ci"):
			return filepath.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, ".go") && !slices.Contains(folders, filepath.Dir(name)):
			folders = append(folders, filepath.Dir(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) < 20 {
		t.Fatalf("only %d folders with Go code: %q", len(folders), folders)
	}
	return folders
}

// named finds names of source files in a text, patterns such as put_*.go included.
var named = regexp.MustCompile(`[\w./*-]*[\w*]\.(?:go|c)\b`)

// foreign are files of other projects that the documents name.
var foreign = []string{"node/modules/lp2p/pubsub.go"}

// missingFiles are the files that a text names and that are neither in one of the folders nor, with
// a path, in the tree.
func missingFiles(text string, folders ...string) (missing []string) {
	for _, name := range named.FindAllString(text, -1) {
		exists := func(folder string) bool {
			found, err := filepath.Glob(filepath.Join(folder, name))
			return err == nil && len(found) > 0
		}
		if !slices.ContainsFunc(append(folders, "."), exists) && !slices.Contains(foreign, name) {
			missing = append(missing, name)
		}
	}
	return missing
}

// TestPackageDocumentation: each package has documentation, and it names no file that is not there.
func TestPackageDocumentation(t *testing.T) {
	t.Parallel()
	for _, folder := range packageFolders(t) {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		documented, onlyTests := false, true
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			test := strings.HasSuffix(file, "_test.go")
			onlyTests = onlyTests && test
			documented = documented || f.Doc != nil && !test
			text := f.Doc.Text()
			if filepath.Base(file) == "doc.go" {
				for _, group := range f.Comments {
					text += group.Text()
				}
			}
			if missing := missingFiles(text, folder); len(missing) > 0 && !test {
				t.Errorf("%s names files that are not there: %q", file, missing)
			}
		}
		if !documented && !onlyTests {
			t.Errorf("%s has no package documentation", folder)
		}
	}
}

// TestDocumentsNameWhatIsThere: files, folders and make targets that the documents name exist.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile("`[^`\n]+`")
	target := regexp.MustCompile("^`make ([a-z][a-z-]*)")
	folder := regexp.MustCompile("^`((?:[a-z.][\\w.-]*/)+)`$")
	documents, err := filepath.Glob("docs/*.md")
	if err != nil || len(documents) == 0 {
		t.Fatal(documents, err)
	}
	for _, name := range append(documents, "README.md", "CONTRIBUTING.md", "SECURITY.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range quoted.FindAllString(string(text), -1) {
			if missing := missingFiles(q, "docs", "sync/internal/push"); len(missing) > 0 {
				t.Errorf("%s names files that are not there: %q", name, missing)
			}
			if m := folder.FindStringSubmatch(q); m != nil && name == "CONTRIBUTING.md" {
				if info, err := os.Stat(m[1]); err != nil || !info.IsDir() {
					t.Errorf("%s names the folder %s: %v", name, m[1], err)
				}
			}
			for _, m := range target.FindAllStringSubmatch(q, -1) {
				if !strings.Contains(string(makefile), "\n"+m[1]+":") {
					t.Errorf("%s names make %s, which there is not", name, m[1])
				}
			}
		}
	}
}

// TestMissingFiles makes sure that the comparison finds what is not there.
func TestMissingFiles(t *testing.T) {
	t.Parallel()
	got := missingFiles("doc.go and protocol/doc.go are there, gone.go, sync/gone.go and put_*.xgo.go are not", "protocol")
	if want := []string{"gone.go", "sync/gone.go", "put_*.xgo.go"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestGateNamesWhatThereIs: each test and scenario that .ci/test leaves out of the gate exists, so
// that a new name does not bring one back unseen.
func TestGateNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile(".ci/test")
	if err != nil {
		t.Fatal(err)
	}
	names := func(pattern string) []string {
		found := regexp.MustCompile(pattern).FindSubmatch(script)
		if found == nil {
			t.Fatalf(".ci/test has no %s", pattern)
		}
		return strings.Split(string(found[1]), "|")
	}
	for _, scenario := range names(`later='TestTestbed/scenarios/\(([^)]*)\)`) {
		if _, err := os.Stat("cmd/lf-testbed/scenarios/" + scenario + ".yaml"); err != nil {
			t.Error(err)
		}
	}
	tests := declared(t, "store")
	for _, name := range names(`single='\^\(([^)]*)\)`) {
		whole := regexp.MustCompile("^" + name + "$")
		if !slices.ContainsFunc(tests, whole.MatchString) {
			t.Errorf("store has no test %s", name)
		}
	}
}

// declared are the test functions of a package.
func declared(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)`).FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
	}
	return names
}
