# Finds this PC's identity volume and runs the script on it. For the specialize pass of a generalized master, as a command of
# Microsoft-Windows-Deployment (RunSynchronous):
#   powershell -NoProfile -ExecutionPolicy Bypass -File C:\Windows\Setup\Scripts\sheepfold-identity.ps1
$ErrorActionPreference = 'Stop'
$volume = Get-CimInstance Win32_Volume -Filter "Label = 'CIDATA'" | Select-Object -First 1
if (-not $volume) { exit 0 }
# With its letter where it has one: PowerShell does not take a volume's long name (\\?\Volume{...}\) everywhere.
$root = if ($volume.DriveLetter) { "$($volume.DriveLetter)\" } else { $volume.DeviceID }
& (Join-Path $root 'windows\specialize.ps1')
