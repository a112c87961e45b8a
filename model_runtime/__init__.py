"""CSTalk model runtime: speech in, facial curves out. Runs alone, never imports bpy."""
