package main

import (
	"net/netip"

	"github.com/spf13/pflag"

	"github.com/lf-store/lf/node/api"
)

// apiFlags say who may use an API that this computer serves, and by which names.
type apiFlags struct {
	hosts, origins, proxies []string
	private, public         bool
	rate                    int

	trusted []netip.Prefix // proxies, once checked
}

func (a *apiFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&a.hosts, "api-host", nil, "let clients call the API by this NAME or NAME:PORT, such as that of a web server in front (repeatable)")
	f.StringArrayVar(&a.origins, "api-allow-origin", nil, "let web pages of this origin use the API, such as https://app.example.org (repeatable)")
	f.BoolVar(&a.private, "api-private", false, "ask for a token for reads, too")
	f.BoolVar(&a.public, "api-public", false, "let everybody read without a token, and not this computer alone")
	f.IntVar(&a.rate, "api-rate", 0, "let an address make at most `N` requests a second without a token (default: any number)")
	f.StringArrayVar(&a.proxies, "trusted-proxy", nil, "believe the X-Forwarded-For header of this `ADDRESS` or range, such as 127.0.0.1 for a web server in front (repeatable)")
}

func (a *apiFlags) check() error {
	for _, s := range a.hosts {
		if _, err := api.ParseHost(s); err != nil {
			return usage("--api-host %v", err)
		}
	}
	for _, s := range a.origins {
		if _, err := api.ParseOrigin(s); err != nil {
			return usage("--api-allow-origin %v", err)
		}
	}
	a.trusted = nil
	for _, s := range a.proxies {
		p, err := api.ParseProxy(s)
		if err != nil {
			return usage("--trusted-proxy %v", err)
		}
		a.trusted = append(a.trusted, p)
	}
	switch {
	case a.rate < 0:
		return usage("--api-rate must not be below 0, and is %d", a.rate)
	case a.private && a.public:
		return usage("--api-private and --api-public exclude each other")
	}
	return nil
}
