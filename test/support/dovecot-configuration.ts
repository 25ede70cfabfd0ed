/** Whom the mail belongs to: Dovecot serves none to root. */
export interface Owner {
  readonly user: string
  readonly group: string
  readonly uid: number
  readonly gid: number
}

/** How one can sign in. */
export interface DovecotAuth {
  /** Default: `plain`. */
  readonly mechanisms?: readonly string[]
  /** May sign in as anyone: name and password. */
  readonly master?: readonly [string, string]
  /** Where an access token is asked about. */
  readonly introspection?: string
  /** What is kept of the users' password; default: `{PLAIN}secret`. */
  readonly stored?: string
}

export interface DovecotSettings {
  readonly folder: string
  readonly ports: { readonly plain: number; readonly tls: number; readonly imap: number }
  readonly owner: Owner
  readonly pop3: readonly string[]
  readonly imap: readonly string[]
  readonly auth: DovecotAuth
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
  imap,
  auth,
  certificate,
  environment,
}: DovecotSettings): string {
  const inherited = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  return `
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = /dev/stderr
import_environment = ${inherited.join(' ')}
protocols = pop3 imap
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
auth_mechanisms = ${(auth.mechanisms ?? ['plain']).join(' ')}
${auth.master ? masterPassdb(folder) : ''}
${auth.introspection === undefined ? '' : tokenPassdb(folder)}
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
protocol imap {
  ${imap.join('\n  ')}
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
service imap-login {
  chroot =
  inet_listener imap {
    port = ${ports.imap}
  }
  inet_listener imaps {
    port = 0
  }
}
`
}

/** RFC 4616's authorization identity is whom the master acts as. */
function masterPassdb(folder: string): string {
  return `passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${folder}/masters
  master = yes
  result_success = continue
}`
}

function tokenPassdb(folder: string): string {
  return `passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = ${folder}/oauth2.conf.ext
}`
}

/** Asks about a token by POST; it must be active. */
export function introspectionSettings(url: string): string {
  return `introspection_mode = post
introspection_url = ${url}
username_attribute = username
active_attribute = active
active_value = true
`
}
