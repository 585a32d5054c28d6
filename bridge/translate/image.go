package translate

import "strings"

// ImageType returns the media type of an image by the octets that it begins with, ""
// for what is none of those that clients show: PNG, JPEG, GIF and TIFF. Nothing more of
// it is read: decoding images of strangers is for those who look at them.
func ImageType(data string) string {
	for _, known := range [...]struct{ begin, kind string }{
		{"\x89PNG\r\n\x1a\n", "image/png"},
		{"\xff\xd8\xff", "image/jpeg"},
		{"GIF87a", "image/gif"},
		{"GIF89a", "image/gif"},
		{"II*\x00", "image/tiff"},
		{"MM\x00*", "image/tiff"},
	} {
		if strings.HasPrefix(data, known.begin) {
			return known.kind
		}
	}
	return ""
}
