package translate

import "testing"

func TestImageType(t *testing.T) {
	for data, want := range map[string]string{
		"\x89PNG\r\n\x1a\n\x00": "image/png", "\xff\xd8\xff\xe0\x00\x10JFIF": "image/jpeg",
		"GIF87a": "image/gif", "GIF89a\x01": "image/gif", "II*\x00\x08": "image/tiff", "MM\x00*\x00": "image/tiff",
		"": "", "\x89PNG": "", "GIF88a": "", "\xff\xd8": "", "RIFF\x00\x00\x00\x00WEBP": "",
		"<html><script>": "", "<svg xmlns='http://www.w3.org/2000/svg'/>": "", " GIF89a": "", "%PDF-1.4": "", "BM": "",
	} {
		t.Run("LL-AV-14", func(t *testing.T) { equal(t, ImageType(data), want) })
	}
}
