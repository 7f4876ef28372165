package pow

import "testing"

// TestReferenceVerifies holds the verifier of builds without cgo to the known answers.
func TestReferenceVerifies(t *testing.T) {
	for _, l := range readLines(t, "verify.txt") {
		want, known := equixVerdicts[l.args[2]]
		if !known {
			l.failf("no such verdict")
		}
		if got := refVerifyEquix(l.bytes(0), l.solution(1)); got != want {
			l.failf("got %v", got)
		}
	}
}

func BenchmarkReference(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := verifyPlainly(fixtureChallenge, fixtureEffort, fixture); err != nil {
			b.Fatal(err)
		}
	}
}
