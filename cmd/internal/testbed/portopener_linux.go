package testbed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// portOpener opens ports of a router for those inside that ask, by UPnP, NAT-PMP and PCP. It is the
// program miniupnpd, as many home routers have it.
type portOpener struct {
	cmd     *exec.Cmd
	starter *childStarter
	dir     string // its files'
}

// openPorts starts it in a router's namespace. It keeps no file of leases: the program deletes what
// it is told to keep them in.
func openPorts(router *network) (*portOpener, error) {
	if _, err := exec.LookPath("miniupnpd"); err != nil {
		return nil, errors.New("maps needs the program miniupnpd: install miniupnpd and miniupnpd-nftables")
	}
	dir, err := os.MkdirTemp("", "lf-testbed-router-*")
	if err != nil {
		return nil, fmt.Errorf("a place for miniupnpd: %w", err)
	}
	config := filepath.Join(dir, "miniupnpd.conf")
	text := fmt.Sprintf(`ext_ifname=eth0
listening_ip=inside
enable_natpmp=yes
enable_upnp=yes
secure_mode=yes
upnp_table_name=lf
upnp_nat_table_name=lf
allow 1024-65535 %s.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
`, router.prefix)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("miniupnpd's configuration: %w", err), os.RemoveAll(dir))
	}
	line := append(router.command(), "miniupnpd", "-d", "-f", config, "-P", filepath.Join(dir, "pid"))
	o := &portOpener{cmd: exec.Command(line[0], line[1:]...), starter: newChildStarter(), dir: dir}
	if err := o.starter.start(o.cmd); err != nil {
		o.starter.close()
		return nil, errors.Join(fmt.Errorf("start miniupnpd: %w", err), os.RemoveAll(dir))
	}
	return o, nil
}

// close ends it. What it opened is gone with its router.
func (o *portOpener) close() error {
	_ = o.cmd.Process.Kill() // it may have ended, which the node that asked for a port has noticed
	_ = o.cmd.Wait()
	o.starter.close()
	return os.RemoveAll(o.dir)
}
