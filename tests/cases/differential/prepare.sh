# What the cases find at both hosts: packages to install, a unit, a page to fetch, a table of kernel modules.
# Arguments: the folder with the packages that Ansible needs, and the address to serve the page at.
set -e
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$1"/debs/*.deb > /tmp/apt.log 2>&1 || { cat /tmp/apt.log; exit 1; }
mkdir -p /srv/repo /srv/web "/lib/modules/$(uname -r)" /srv/out
touch "/lib/modules/$(uname -r)/modules.builtin"
for one in edge-tool:1.0 edge-tool:2.0 edge-lib:1.0 edge-extra:1.0; do
  name=${one%:*} version=${one#*:}
  mkdir -p /tmp/deb/DEBIAN
  printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n' \
    "$name" "$version" > /tmp/deb/DEBIAN/control
  deb=/srv/repo/${name}_$version.deb
  dpkg-deb -b /tmp/deb "$deb" > /dev/null
  { dpkg-deb -f "$deb"
    echo "Filename: ./$(basename "$deb")"
    echo "Size: $(stat -c %s "$deb")"
    echo "SHA256: $(sha256sum "$deb" | cut -d' ' -f1)"
    echo; } >> /srv/repo/Packages
  rm -r /tmp/deb
done
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/repo ./' > /etc/apt/sources.list
apt-get update -q > /dev/null
echo 'a page' > /srv/web/page
echo '{"a": [1, 2]}' > /srv/web/data.json
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' \
  > /etc/systemd/system/differential.service
systemctl daemon-reload
systemd-run --quiet --unit differential-web python3 -m http.server 8099 --bind "$2" -d /srv/web
