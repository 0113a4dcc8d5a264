// The script that Windows runs from the identity volume, in the specialize pass of its setup or by hand. It reads identity.json
// beside it, so it is the same on every PC. Lines end as Windows expects.

const LINES = [
  "# Gives this PC the identity that lies on this volume. Run by Windows setup in its specialize pass, or by an administrator.",
  "# Run twice it changes nothing more. A new name takes effect at the next start.",
  "$ErrorActionPreference = 'Stop'",
  "$volume = Split-Path -Parent (Split-Path -Parent $MyInvocation.MyCommand.Path)",
  "$path = Join-Path $volume 'identity.json'",
  "$values = (Get-Content -Raw -Encoding UTF8 -LiteralPath $path | ConvertFrom-Json).values",
  "",
  "if ($values.host_name -and $env:COMPUTERNAME -ne $values.host_name) {",
  "  Rename-Computer -NewName $values.host_name -Force",
  "}",
  "if ($values.time_zone_windows) { Set-TimeZone -Id $values.time_zone_windows }",
  "if ($values.ip_address) {",
  "  $address, $length = $values.ip_address -split '/'",
  "  $card = Get-NetAdapter -Physical | Where-Object Status -eq 'Up' | Sort-Object ifIndex | Select-Object -First 1",
  "  if (-not $card) { throw 'No network card is connected.' }",
  "  $present = Get-NetIPAddress -InterfaceIndex $card.ifIndex -AddressFamily IPv4 -ErrorAction SilentlyContinue",
  "  if ($present.IPAddress -notcontains $address) {",
  "    Set-NetIPInterface -InterfaceIndex $card.ifIndex -Dhcp Disabled",
  "    $present | Remove-NetIPAddress -Confirm:$false",
  "    $wanted = @{ InterfaceIndex = $card.ifIndex; IPAddress = $address; PrefixLength = [int]$length }",
  "    if ($values.gateway) { $wanted.DefaultGateway = $values.gateway }",
  "    New-NetIPAddress @wanted | Out-Null",
  "  }",
  "  if ($values.dns) {",
  "    $servers = $values.dns -split ',' | ForEach-Object { $_.Trim() }",
  "    Set-DnsClientServerAddress -InterfaceIndex $card.ifIndex -ServerAddresses $servers",
  "  }",
  "}",
];

export const WINDOWS_SPECIALIZE = LINES.map((line) => `${line}\r\n`).join("");
