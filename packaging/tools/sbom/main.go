// Command sbom says what a program of LF is made of. It writes a software bill of materials
// (CycloneDX), and the licenses of everything that is linked in. packaging/dist runs it.
//
// What it says is read from the program, the module cache and the machine's C library. The same
// program gives the same bytes.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// options are the flags.
type options struct {
	program, version, module, musl, sbom, licenses string
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("sbom: ")
	var o options
	flag.StringVar(&o.program, "program", "", "the `file` with the program")
	flag.StringVar(&o.version, "version", "", "the program's version")
	flag.StringVar(&o.module, "module", "", "the `folder` of the module that it was built in")
	flag.StringVar(&o.musl, "musl", "", "the version of Debian's package musl-dev that is linked in")
	flag.StringVar(&o.sbom, "sbom", "", "the `file` to write the bill of materials to")
	flag.StringVar(&o.licenses, "licenses", "", "the `file` to write the licenses to")
	flag.Parse()
	if err := run(o); err != nil {
		log.Fatal(err)
	}
}

func run(o options) error {
	program, err := os.ReadFile(o.program)
	if err != nil {
		return err
	}
	parts, err := readParts(bytes.NewReader(program), o)
	if err != nil {
		return err
	}
	bill, err := billOfMaterials(o, sha256.Sum256(program), parts)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bill); err != nil {
		return err
	}
	if err := os.WriteFile(o.sbom, out.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(o.licenses, []byte(licenseTexts(parts)), 0o644)
}

// billOfMaterials lists the parts. Its serial number follows from the program, and its time is that
// of the commit.
func billOfMaterials(o options, sum [sha256.Size]byte, parts []part) (*cdx.BOM, error) {
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	id := sum
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // a UUID of version 8: the rest is free
	main := cdx.Component{
		BOMRef: "lf", Type: cdx.ComponentTypeApplication, Name: "lf", Version: o.version,
		PackageURL: "pkg:golang/github.com/lf-store/lf@" + o.version,
		Hashes:     &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
		Licenses:   &cdx.Licenses{{License: &cdx.License{ID: "MPL-2.0"}}},
	}
	components := make([]cdx.Component, len(parts))
	needed := make([]string, len(parts))
	for i, p := range parts {
		components[i], needed[i] = p.component(), p.url
	}
	bill := cdx.NewBOM()
	bill.SerialNumber = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:16])
	bill.Metadata = &cdx.Metadata{Timestamp: time.Unix(seconds, 0).UTC().Format(time.RFC3339), Component: &main}
	bill.Components = &components
	bill.Dependencies = &[]cdx.Dependency{{Ref: main.BOMRef, Dependencies: &needed}}
	return bill, nil
}
