# Finds this PC's identity volume and runs the script on it. For the specialize pass of a generalized master, as a command of
# Microsoft-Windows-Deployment (RunSynchronous):
#   powershell -NoProfile -ExecutionPolicy Bypass -File C:\Windows\Setup\Scripts\sheepfold-identity.ps1
$ErrorActionPreference = 'Stop'
$volume = Get-CimInstance Win32_Volume -Filter "Label = 'CIDATA'" | Select-Object -First 1
if (-not $volume) { exit 0 }
& (Join-Path $volume.DeviceID 'windows\specialize.ps1')
