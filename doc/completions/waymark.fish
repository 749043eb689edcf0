# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion of waymark(8). The tool itself lists its commands, options and values:
# --list-commands prints "name<TAB>help", --list-options COMMAND "--name[=]<TAB>help<TAB>values".

function __waymark_uplinks
    sed -n 's/^[[:space:]]*uplink[[:space:]]\{1,\}"\{0,1\}\([^"{[:space:]]*\).*/\1/p' \
        /etc/waymark/waymark.conf 2>/dev/null
end

complete -c waymark -f
complete -c waymark -s c -l config -r -F -d 'the configuration'
complete -c waymark -n __fish_use_subcommand -l socket -r -F -d "the daemon's control socket"
complete -c waymark -n __fish_use_subcommand -s h -l help -d 'show the commands'
complete -c waymark -n __fish_use_subcommand -s V -l version -d 'show the version'
complete -c waymark -n __fish_use_subcommand -a '(waymark --list-commands 2>/dev/null)'

for command in (waymark --list-commands 2>/dev/null | cut -f1)
    for line in (waymark --list-options $command 2>/dev/null)
        set -l parts (string split \t -- $line)
        set -l name (string replace -r '^--|=$' '' -- (string trim -r -c = -- $parts[1]))
        set -l seen "__fish_seen_subcommand_from $command"
        switch $parts[1]
            case operand
                complete -c waymark -n $seen -a "$parts[3]"
            case '--uplink=' '--ingress='
                complete -c waymark -n $seen -l $name -x -a '(__waymark_uplinks)' -d $parts[2]
            case '--database=' '--socket='
                complete -c waymark -n $seen -l $name -r -F -d $parts[2]
            case '*='
                complete -c waymark -n $seen -l $name -x -a "$parts[3]" -d $parts[2]
            case '*'
                complete -c waymark -n $seen -l $name -d $parts[2]
        end
    end
end
