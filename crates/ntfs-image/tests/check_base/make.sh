# Makes two volumes with most features of NTFS in $1: tree.img, written by ntfs-3g, and base.img, written by
# wimlib from a capture of it.
set -e
cd "$1"
truncate -s 24M tree.img
mkntfs -F -q -c 4096 -L Baseline tree.img >/dev/null 2>&1
mkdir mnt
ntfs-3g -o efs_raw,streams_interface=windows,compression tree.img mnt
trap 'cd "$OLDPWD"; fusermount -u mnt' EXIT
hex() { printf 0x; od -An -v -tx1 | tr -d ' \n'; }
cd mnt
mkdir -p Windows/System32 Windows/WinSxS "many names" deep/a/b/c/d/e/f packed names
i=0
while [ $i -lt 1500 ]; do echo $i > "many names/component-$i-of-a-long-name.manifest"; i=$((i + 1)); done
i=0
head -c 70000 /bin/sh > Windows/WinSxS/linked.dll
while [ $i -lt 60 ]; do ln Windows/WinSxS/linked.dll "Windows/System32/a name for a link of some length $i.dll"; i=$((i + 1)); done
for n in 0 1 100 500 700 720 740 4095 4096 4097 65536; do head -c $n /bin/sh > "Windows/size-$n"; done
head -c 300000 /bin/sh > Windows/System32/kernel.dll
echo stream > "Windows/System32/kernel.dll:Zone.Identifier"
head -c 9000 /bin/sh > "Windows/System32/kernel.dll:large"
echo d > "deep/a:on a directory"
for n in 'ÄÖÜ.txt' 'äöüß' 'Ω' 'ｆｕｌｌ' '文件' 'ǆ' 'zz' 'ZZ 2' '_x' '{y}' '😀 emoji' 'z😀'; do echo "$n" > "names/$n"; done
truncate -s 1000000 names/sparse; printf X | dd of=names/sparse bs=1 seek=500000 conv=notrunc 2>/dev/null
setfattr -h -v 0x00000800 -n system.ntfs_attrib_be packed
seq 1 60000 > packed/numbers; head -c 200000 /bin/sh > packed/binary
: > fragmented; : > other
i=0
while [ $i -lt 40 ]; do head -c 4096 /bin/sh >> fragmented; head -c 4096 /bin/sh >> other; i=$((i + 1)); done
rm other
i=0
for f in Windows/size-* Windows/System32/kernel.dll; do
  i=$((i + 1)); printf 'SHORT%d.DLL' $i > ../short
  setfattr -h -n system.ntfs_dos_name -v "$(hex < ../short)" "$f"
done
i=0
for f in Windows deep/a deep/a/b names/zz names/_x; do
  i=$((i + 1))
  setfattr -h -n system.ntfs_object_id -v "0x0102030405060708090a0b0c0d0e0f1$i" "$f"
  # Owner and group Administrators, one entry for Everyone with a mask of its own.
  setfattr -h -n system.ntfs_acl -v "0x010004803000000040000000000000001400000002001c0001000000000014000${i}011f00\
0101000000000001000000000102000000000005200000002002000001020000000000052000000020020000" "$f"
done
mkdir junction; : > symlink
# A junction to C:\x and a symbolic link to x.
setfattr -h -n system.ntfs_reparse_data -v 0x030000a01c0000000000100012000000\
5c003f003f005c0043003a005c00780000000000 junction
setfattr -h -n system.ntfs_reparse_data -v 0x0c0000a010000000000002000200020001000000\
78007800 symlink
setfattr -h -n system.ntfs_ea -v 0x1400000000040500544553540001020304050000 names/zz
setfattr -h -v 0x00000023 -n system.ntfs_attrib_be Windows/size-100
cd ..
fusermount -u mnt
trap - EXIT
rmdir mnt
wimlib-imagex capture tree.img tree.wim Base --compress=none >/dev/null
truncate -s 24M base.img
mkntfs -F -q -c 4096 -L Baseline base.img >/dev/null 2>&1
wimlib-imagex apply tree.wim 1 base.img >/dev/null
