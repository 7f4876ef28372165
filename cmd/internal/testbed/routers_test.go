package testbed

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

const town1 = `
routers:
  isp: {nat: endpoint-dependent, blocks: [udp, inbound], maps: true}
  elm: {behind: isp}
  oak: {nat: none}
nodes:
  dht1..dht2: {public-dht: true}
  seed: {profile: server, seeds: none}
  a: {behind: elm}
  b: {behind: elm, rendezvous: [dht1, dht2]}
  c: {behind: oak, seeds: seed}
steps:
  - start: all
  - write: {count: 10}
  - expect: {converged: true, within: 5s}
  - expect: {nodes: [a, b], direct: [a, b, seed], relayed: c, within: 1s}
  - move: {nodes: b, behind: oak}
  - expect: {nodes: b, direct: [c, seed], relayed: a, within: 1s}
`

func TestParseRouters(t *testing.T) {
	s, err := Parse("town.yaml", []byte(town1))
	if err != nil {
		t.Fatal(err)
	}
	want := []*Router{
		{Name: "isp", NAT: EndpointDependent, Blocks: []Block{BlockUDP, BlockInbound}, Maps: true},
		{Name: "elm", NAT: EndpointIndependent, Behind: "isp"}, {Name: "oak", NAT: NoNAT},
	}
	if !reflect.DeepEqual(s.Routers, want) {
		t.Errorf("routers %+v", s.Routers)
	}
	for name, want := range map[string]Node{
		"dht1": {PublicDHT: true, Seeds: []string{"dht2"}},
		"seed": {Profile: "server", Seeds: []string{}},
		"a":    {Behind: "elm", Seeds: []string{"seed"}}, // the only one that others find
		"b":    {Behind: "elm", Seeds: []string{"seed"}, Rendezvous: []string{"dht1", "dht2"}},
	} {
		if want.Name = name; !reflect.DeepEqual(*s.Node(name), want) {
			t.Errorf("%+v, want %+v", *s.Node(name), want)
		}
	}
	if m := s.Steps[4].Do; !reflect.DeepEqual(m, Move{[]string{"b"}, "oak"}) || textOf(m) != "b behind oak" {
		t.Errorf("%+v %q", m, textOf(m))
	}
	if e, ok := s.Steps[3].Do.(Expect); !ok || !slices.Equal(e.Direct, []string{"seed", "a", "b"}) || !slices.Equal(e.Relayed, []string{"c"}) {
		t.Errorf("%+v", s.Steps[3].Do)
	}
	if role := s.Node("b").role(); role != "behind elm" {
		t.Errorf("role %q", role)
	}
}

// TestPaths runs a scenario with routers: who reaches whom how is expected, and reported in the
// end.
func TestPaths(t *testing.T) {
	town := strings.ReplaceAll(strings.ReplaceAll(town1, "  dht1..dht2: {public-dht: true}\n", ""), ", rendezvous: [dht1, dht2]", "")
	report, w := trial(t.Context(), t, town, nil)
	if !report.Passed {
		t.Fatal(report.Table())
	}
	if did := w.nodes["b"].did; !slices.Contains(did, "move") {
		t.Errorf("b: %v", did)
	}
	if len(report.Paths) != 12 || !strings.Contains(report.Table(), "from \\ to") {
		t.Errorf("%+v\n%s", report.Paths, report.Table())
	}
	for _, wrong := range []string{"direct: c", "relayed: b", "relayed: seed"} {
		report, _ := trial(t.Context(), t, strings.Replace(town, "direct: [a, b, seed], relayed: c", wrong, 1), nil)
		if report.Passed || !strings.Contains(report.Failure, "reaches") {
			t.Errorf("%s: %s", wrong, report.Failure)
		}
	}
}
