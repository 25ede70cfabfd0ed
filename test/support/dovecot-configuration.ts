/** Whom the mail belongs to: Dovecot serves none to root. */
export interface Owner {
  readonly user: string
  readonly group: string
  readonly uid: number
  readonly gid: number
}

export interface DovecotSettings {
  readonly folder: string
  readonly ports: { readonly plain: number; readonly tls: number }
  readonly owner: Owner
  readonly pop3: readonly string[]
  readonly certificate: { readonly cert: string; readonly key: string }
  /** What its processes inherit. */
  readonly environment: Readonly<Record<string, string>>
}

/** A configuration that needs nothing outside of the folder, for root and for anyone else. */
export function dovecotConfiguration({
  folder,
  ports,
  owner,
  pop3,
  certificate,
  environment,
}: DovecotSettings): string {
  const inherited = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  return `
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = /dev/stderr
import_environment = ${inherited.join(' ')}
protocols = pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <${certificate.cert}
ssl_key = <${certificate.key}
disable_plaintext_auth = no
default_internal_user = ${owner.user}
default_internal_group = ${owner.group}
default_login_user = ${owner.user}
first_valid_uid = 1
mail_max_userip_connections = 100
auth_failure_delay = 0
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${folder}/users
}
userdb {
  driver = passwd-file
  args = username_format=%u ${folder}/users
}
protocol pop3 {
  pop3_no_flag_updates = yes
  ${pop3.join('\n  ')}
}
service anvil {
  chroot =
  # After a wrong password it would let others from the same address wait.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    port = ${ports.plain}
  }
  inet_listener pop3s {
    port = ${ports.tls}
    ssl = yes
  }
}
`
}
